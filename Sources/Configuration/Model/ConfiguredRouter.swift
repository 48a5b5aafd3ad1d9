import Domain
import Wire

extension Configuration {
  /// A virtual router (RFC 9568) as configured for this node: values keyed by host name are resolved.
  package struct VirtualRouter: Hashable, Sendable {
    /// The name in the log, the status and the arguments of hooks; `router-VRID` unless the file has another. Unique.
    package var name = ""
    /// The network interface that sends advertisements and has the virtual addresses.
    package var interface: String
    package var settings: VirtualRouterSettings
    /// Accept_Mode (RFC 9568 §6.1). Always true: the service accepts connections to the virtual address.
    package var accepts = true
    /// Virtual routers of one group change their role together.
    package var group: String?
    /// The source address of this node's advertisements; nil: the interface's first.
    package var source: IPAddress?
    package var authentication: Authentication?
    /// Further conditions for the priority, in addition to the worker, the servers and the interface.
    package var tracks: [Track] = []
    /// Programs that are run at every change of role.
    package var hooks: [String] = []
    package var mail: Mail?

    /// A condition that changes the priority, or makes the node resign.
    package struct Track: Hashable, Sendable {
      /// The tracked object.
      package enum Subject: Hashable, Sendable {
        /// Whether an interface is up and has a carrier.
        case interface(String)
        /// Whether a program exits with status 0 in time.
        case script(path: String, interval: Interval, timeout: Interval, fall: Int)
        /// Whether no other node of the pair reaches this many servers more than this one.
        case servers(fewerBy: Int)
      }

      package var subject: Subject
      package var weight: TrackWeight
      /// How long the condition must be good again before it counts as good.
      package var recovery: Interval
    }

    /// Mail notifications of role changes.
    package struct Mail: Hashable, Sendable {
      /// Recipients.
      package var to: [String] = []
      /// Nil: the mail system's default.
      package var from: String?
    }
  }
}

extension Configuration.VirtualRouter {
  /// How authentic advertisements are recognised.
  package struct Authentication: Hashable, Sendable {
    /// The simple text password of version 2, at most eight bytes. It protects only against misconfiguration.
    package var password: String?
    /// At least one unless there is a password; the first one signs, all verify. Identifiers are unique.
    package var keys: [Key] = []
    package var mode = VRRPAuthenticationMode.enforce
    /// Maximum difference between the nodes' clocks; nil: timestamps need only increase.
    package var window: Interval?

    /// A key for draft-cassen-vrrp-auth-hmac.
    package struct Key: Hashable, Sendable {
      /// 1 to 255.
      package var identifier: UInt8
      package var place: KeyPlace
    }
  }

  /// Where a key is stored.
  package enum KeyPlace: Hashable, Sendable {
    case file(String)
    /// A systemd credential of the service (LoadCredential=).
    case credential(String)

    /// The key in a file's text: 64 to 128 hexadecimal digits, with optional white space; nil if the text is invalid.
    /// `openssl rand -hex 32` generates a key.
    package static func key(in text: [UInt8]) -> [UInt8]? {
      let key = Hexadecimal.bytes(text.filter { !" \t\r\n".utf8.contains($0) })
      return key.flatMap { 32...64 ~= $0.count ? $0 : nil }
    }
  }
}
