import Domain
import Wire

extension StatusReport {
  /// A virtual router of this node.
  package struct Router: Codable, Hashable, Sendable {
    /// Another node, from its last advertisement.
    package struct Peer: Codable, Hashable, Sendable {
      package var address: String
      package var priority: UInt64
      /// When its last advertisement was received.
      package var heard: WallTime

      package init(address: String, priority: UInt64, heard: WallTime) {
        self.address = address
        self.priority = priority
        self.heard = heard
      }
    }

    /// The number of packets rejected for one kind of reason.
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
    /// The VRRP version.
    package var version: UInt64 = 3
    package var state = VirtualRouterRole.initialize
    /// When it entered this state.
    package var since: WallTime
    /// The effective and the configured priority.
    package var priority: UInt64 = 0
    package var configuredPriority: UInt64 = 0
    /// What lowers the priority, by name.
    package var priorityReductions: [String] = []
    /// What prevents the node from taking part, by name.
    package var faults: [String] = []
    /// Including prefix lengths.
    package var addresses: [String] = []
    /// Whether they are on the interface.
    package var holdsAddresses = false
    /// The lease in seconds, after which the kernel removes addresses that were not renewed.
    package var lease: UInt64 = 0
    /// The last peer heard; nil: none.
    package var peer: Peer?
    /// The address of a persistent other Active; nil: none.
    package var duplicateActive: String?
    /// A node of the pair with which advertisements do not pass, although it is connected; nil: none.
    package var unheardPeer: String?
    /// Advertisements.
    package var sent: UInt64 = 0
    package var received: UInt64 = 0
    /// Those above zero.
    package var rejected: [Rejections] = []
    /// How often it entered each state.
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
      case unheardPeer = "unheard_peer"
      case becameActive = "became_active"
      case becameBackup = "became_backup"
      case becameFault = "became_fault"
    }
  }

  /// How late the virtual routers' timers are.
  package struct Timers: Codable, Hashable, Sendable {
    /// The number served more than 5 ms late.
    package var late: UInt64 = 0
    /// The longest delay in milliseconds.
    package var worst: UInt64 = 0

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case late
      case worst = "worst_ms"
    }
  }
}
