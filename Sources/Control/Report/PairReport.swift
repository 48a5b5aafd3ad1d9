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
    package var services: [NodeService] = []
    /// Those that this node has too.
    package var servers: [NodeServer] = []
    package var certificates: [NodeCertificate] = []
    /// Nil until it has reported them, and in what the observer gets.
    package var findings: [NodeFinding]?

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
