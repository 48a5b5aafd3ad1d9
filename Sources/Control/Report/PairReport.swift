import Domain
import Wire

extension StatusReport {
  /// The nodes of the pair, as this one knows them.
  package struct Pair: Codable, Hashable, Sendable {
    /// The name of this node.
    package var node: String
    /// This node first, then the others in the order of the configuration.
    package var nodes: [Node] = []
    package var differences: [Difference] = []

    package init(node: String) { self.node = node }
  }

  /// A node of the pair: what it reports.
  package struct Node: Codable, Hashable, Sendable {
    package var name: String
    /// Whether the rest is current. A node that does not answer is shown as it was.
    package var answers: Bool
    /// When its last report came; before the first one, since when this node waits for it.
    package var heard: WallTime
    /// Nil, as everything that follows, until it has reported it.
    package var version: String?
    package var since: WallTime?
    /// How far its clock is from this node's.
    package var clockDifference: UInt64?
    package var sessions: UInt64?
    package var connections: UInt64?
    package var routers: [Router] = []
    package var services: [Service] = []
    /// Those that this node has too.
    package var servers: [Server] = []
    package var certificates: [Certificate] = []
    /// Nil until it has reported them, and in what the observer gets.
    package var findings: [Finding]?

    package init(name: String, answers: Bool, heard: WallTime) {
      self.name = name
      self.answers = answers
      self.heard = heard
    }

    private enum CodingKeys: String, CodingKey {
      case name, answers, heard, version, since, sessions, connections, routers, services, servers, certificates
      case findings
      case clockDifference = "clock_difference_ms"
    }

    /// A virtual router on the node.
    package struct Router: Codable, Hashable, Sendable {
      package var name: String
      package var state: VirtualRouterRole
      package var priority: UInt64

      package init(name: String, state: VirtualRouterRole, priority: UInt64) {
        self.name = name
        self.state = state
        self.priority = priority
      }
    }

    /// How many servers of a service the node reaches.
    package struct Service: Codable, Hashable, Sendable {
      /// Empty if it has none.
      package var name: String
      package var healthy: UInt64
      package var servers: UInt64

      package init(name: String, healthy: UInt64, servers: UInt64) {
        self.name = name
        self.healthy = healthy
        self.servers = servers
      }
    }

    /// A server as the node sees it.
    package struct Server: Codable, Hashable, Sendable {
      package var name: String
      /// `unknown` before the first health check.
      package var state: String

      /// `state`: nil before the first health check.
      package init(name: String, state: ServerState?) {
        self.name = name
        self.state = state.map { "\($0)" } ?? "unknown"
      }
    }

    /// Something that is wrong on the node, as it says itself.
    package struct Finding: Codable, Hashable, Sendable {
      /// The check of `belvedere doctor`.
      package var check: String
      /// The object's name; empty for the node as a whole.
      package var subject: String
      /// Whether clients are or will be affected; else it is a warning.
      package var isFault: Bool
      package var text: String

      package init(check: String, subject: String, isFault: Bool, text: String) {
        self.check = check
        self.subject = subject
        self.isFault = isFault
        self.text = text
      }

      private enum CodingKeys: String, CodingKey {
        case check, subject, text
        case isFault = "fault"
      }
    }

    /// A certificate that the node presents to clients.
    package struct Certificate: Codable, Hashable, Sendable {
      /// The service's name, empty if it has none.
      package var service: String
      /// SHA-256, in hexadecimal digits.
      package var fingerprint: String
      package var notAfter: WallTime

      /// Writes the fingerprint as text.
      package init(service: String, fingerprint: Fingerprint, notAfter: WallTime) {
        self.service = service
        self.fingerprint = "\(fingerprint)"
        self.notAfter = notAfter
      }

      private enum CodingKeys: String, CodingKey {
        case service, fingerprint
        case notAfter = "not_after"
      }
    }
  }

  /// Something that differs between this node and another one.
  package struct Difference: Codable, Hashable, Sendable {
    /// The other node.
    package var node: String
    /// `release`, `clock`, `configuration`, `certificates`, `server` or `router`.
    package var subject: String
    /// `view01: up here, down on lb2`.
    package var text: String

    package init(node: String, subject: String, text: String) {
      self.node = node
      self.subject = subject
      self.text = text
    }
  }
}
