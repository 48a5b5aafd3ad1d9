import Domain
import Wire

extension Configuration {
  /// A virtual router of a pair (RFC 9568), as this node sees it: values keyed by host name are already resolved.
  package struct VirtualRouter: Hashable, Sendable {
    /// In log and status, and what hooks are told; `router VRID` unless the file has another. Unique.
    package var name = ""
    /// The network interface that advertisements use and that carries the addresses.
    package var interface: String
    package var settings: VirtualRouterSettings
    /// Accept_Mode (RFC 9568 §6.1). Always true: the address is there to be served on.
    package var accepts = true
    /// Virtual routers of one group go together.
    package var group: String?
    /// The address of this node that advertisements come from; nil: the interface's first.
    package var source: IPAddress?
    package var authentication: Authentication?
    /// What the priority depends on besides the worker, the servers and the interface.
    package var tracks: [Track] = []
    /// Programs that are told of every change.
    package var hooks: [String] = []
    package var mail: Mail?

    /// A condition that changes the priority, or has the node take no part.
    package struct Track: Hashable, Sendable {
      /// What is looked at.
      package enum Subject: Hashable, Sendable {
        /// Whether an interface is up and has a carrier.
        case interface(String)
        /// Whether a program ends with status 0 in time.
        case script(path: String, interval: Interval, timeout: Interval, fall: Int)
      }

      package var subject: Subject
      package var weight: TrackWeight
      /// How long it has to be good again before that counts.
      package var recovery: Interval
    }

    /// Where a message goes whenever the role changes.
    package struct Mail: Hashable, Sendable {
      /// Recipients.
      package var to: [String] = []
      /// Nil: as the mail system has it.
      package var from: String?
    }
  }
}

extension Configuration.VirtualRouter {
  /// How advertisements are told from those of strangers.
  package struct Authentication: Hashable, Sendable {
    /// The simple text of version 2, at most eight bytes. It protects from mistakes and nothing else.
    package var password: String?
    /// At least one unless there is a password; the first signs, all verify. Identifiers are unique.
    package var keys: [Key] = []
    package var mode = VRRPAuthenticationMode.enforce
    /// How far the nodes' clocks may be apart; nil: times only have to grow.
    package var window: Interval?

    /// A key of draft-cassen-vrrp-auth-hmac.
    package struct Key: Hashable, Sendable {
      /// 1 to 255.
      package var identifier: UInt8
      package var place: KeyPlace
    }
  }

  /// Where a key is.
  package enum KeyPlace: Hashable, Sendable {
    case file(String)
    /// One that systemd hands to the service (LoadCredential=).
    case credential(String)

    /// The key in a file's text: 64 to 128 hexadecimal digits, with white space where you like; nil when it is
    /// something else. `openssl rand -hex 32` makes one.
    package static func key(in text: [UInt8]) -> [UInt8]? {
      let key = Hexadecimal.bytes(text.filter { !" \t\r\n".utf8.contains($0) })
      return key.flatMap { 32...64 ~= $0.count ? $0 : nil }
    }
  }
}
