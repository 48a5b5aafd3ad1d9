import Domain
import Wire

extension StatusReport {
  /// A virtual router as it stands on this node.
  package struct Router: Codable, Hashable, Sendable {
    /// Another node, by its last advertisement.
    package struct Peer: Codable, Hashable, Sendable {
      package var address: String
      package var priority: UInt64
      /// When its last advertisement came.
      package var heard: WallTime

      package init(address: String, priority: UInt64, heard: WallTime) {
        self.address = address
        self.priority = priority
        self.heard = heard
      }
    }

    /// How many packets were rejected for one kind of reason.
    package struct Rejections: Codable, Hashable, Sendable {
      package var kind: String
      package var count: UInt64

      package init(kind: String, count: UInt64) {
        self.kind = kind
        self.count = count
      }
    }

    package var name: String
    package var interface: String
    /// The VRID.
    package var identifier: UInt64
    /// Of the protocol.
    package var version: UInt64 = 3
    package var state = VirtualRouterRole.initialize
    /// Since when it is in this state.
    package var since: WallTime
    /// The one in force, and the configuration's.
    package var priority: UInt64 = 0
    package var configuredPriority: UInt64 = 0
    /// What lowers the priority, by name.
    package var priorityReductions: [String] = []
    /// What keeps the node from taking part, by name.
    package var faults: [String] = []
    /// With their prefix lengths.
    package var addresses: [String] = []
    /// Whether they are on the interface.
    package var holdsAddresses = false
    /// How many seconds the kernel keeps them when they are not renewed.
    package var lease: UInt64 = 0
    /// The last one heard; nil when there was none.
    package var peer: Peer?
    /// The address of another Active beside this one, when it stays.
    package var duplicateActive: String?
    /// Advertisements.
    package var sent: UInt64 = 0
    package var received: UInt64 = 0
    /// Those that are not zero.
    package var rejected: [Rejections] = []
    /// How often it became what.
    package var becameActive: UInt64 = 0
    package var becameBackup: UInt64 = 0
    package var becameFault: UInt64 = 0

    package init(name: String, interface: String, identifier: UInt64, since: WallTime) {
      self.name = name
      self.interface = interface
      self.identifier = identifier
      self.since = since
    }

    private enum CodingKeys: String, CodingKey {
      case name, interface, version, state, since, priority, faults, addresses, lease, peer, sent, received, rejected
      case identifier = "router"
      case configuredPriority = "configured_priority"
      case priorityReductions = "priority_reductions"
      case holdsAddresses = "holds_addresses"
      case duplicateActive = "duplicate_active"
      case becameActive = "became_active"
      case becameBackup = "became_backup"
      case becameFault = "became_fault"
    }
  }

  /// How well the virtual routers' timers are kept.
  package struct Timers: Codable, Hashable, Sendable {
    /// How many were served more than 5 ms late.
    package var late: UInt64 = 0
    /// By how many milliseconds the worst of them.
    package var worst: UInt64 = 0

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case late
      case worst = "worst_ms"
    }
  }
}
