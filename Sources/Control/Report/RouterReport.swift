import Wire

extension StatusReport {
  /// A virtual router as it stands on this node.
  package struct Router: Hashable, Sendable {
    /// What it is to others. keepalived says master for active, stop for initialize.
    package enum State: String, Sendable, CaseIterable { case initialize, fault, backup, active }

    /// Another node, by its last advertisement.
    package struct Peer: Hashable, Sendable {
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
    package struct Rejections: Hashable, Sendable {
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
    package var state = State.initialize
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
  }

  /// How well the virtual routers' timers are kept.
  package struct Timers: Hashable, Sendable {
    /// How many were served more than 5 ms late.
    package var late: UInt64 = 0
    /// By how many milliseconds the worst of them.
    package var worst: UInt64 = 0

    package init() {}
  }
}

extension StatusReport.Router {
  var json: JSON {
    .members([
      "name": .string(name), "interface": .string(interface), "router": .count(identifier),
      "version": .count(version), "state": .string(state.rawValue), "since": .time(since),
      "priority": .count(priority), "configured_priority": .count(configuredPriority),
      "priority_reductions": .array(priorityReductions.map { .string($0) }),
      "faults": .array(faults.map { .string($0) }),
      "addresses": .array(addresses.map { .string($0) }), "holds_addresses": .bool(holdsAddresses),
      "lease": .count(lease), "peer": .optional(peer, \.json),
      "duplicate_active": .optional(duplicateActive) { .string($0) },
      "sent": .count(sent), "received": .count(received), "rejected": .array(rejected.map(\.json)),
      "became_active": .count(becameActive), "became_backup": .count(becameBackup),
      "became_fault": .count(becameFault),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(
      name: try fields.string("name"), interface: try fields.string("interface"),
      identifier: try fields.count("router"), since: try fields.time("since"))
    version = try fields.count("version")
    state = try fields.word("state")
    priority = try fields.count("priority")
    configuredPriority = try fields.count("configured_priority")
    priorityReductions = try fields.strings("priority_reductions")
    faults = try fields.strings("faults")
    addresses = try fields.strings("addresses")
    holdsAddresses = try fields.bool("holds_addresses")
    lease = try fields.count("lease")
    peer = try fields.optional("peer") { (fields) throws(ControlFault) in try fields.object("peer", Peer.init) }
    duplicateActive = try fields.optional("duplicate_active") { (fields) throws(ControlFault) in
      try fields.string("duplicate_active")
    }
    sent = try fields.count("sent")
    received = try fields.count("received")
    rejected = try fields.objects("rejected", Rejections.init)
    becameActive = try fields.count("became_active")
    becameBackup = try fields.count("became_backup")
    becameFault = try fields.count("became_fault")
  }
}

extension StatusReport.Router.Peer {
  fileprivate var json: JSON {
    .members(["address": .string(address), "priority": .count(priority), "heard": .time(heard)])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      address: try fields.string("address"), priority: try fields.count("priority"), heard: try fields.time("heard"))
  }
}

extension StatusReport.Router.Rejections {
  fileprivate var json: JSON { .members(["kind": .string(kind), "count": .count(count)]) }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(kind: try fields.string("kind"), count: try fields.count("count"))
  }
}

extension StatusReport.Timers {
  var json: JSON { .members(["late": .count(late), "worst_ms": .count(worst)]) }

  init(_ fields: Fields) throws(ControlFault) {
    self.init()
    late = try fields.count("late")
    worst = try fields.count("worst_ms")
  }
}
