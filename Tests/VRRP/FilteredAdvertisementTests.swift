import Domain
import Testing
import Wire

@testable import VRRP

/// Nodes between which all packets except advertisements pass: a firewall drops protocol 112, or a switch loses
/// multicast.
@Suite struct `Filtered advertisements` {
  /// Two nodes with priorities 101 and 100, or with those given, and an interval of one second.
  private static func pair(_ priorities: [UInt8] = [101, 100], seed: UInt64) -> SimulatedNetwork {
    let nodes = priorities.enumerated().map { index, priority in
      SimulatedNode(
        index: index, .init(identifier: 51, priority: priority, addresses: [virtual("192.0.2.100")]))
    }
    return SimulatedNetwork(nodes: nodes, delay: .milliseconds(2), seed: seed)
  }

  private static func boot(_ network: inout SimulatedNetwork) {
    for node in network.nodes.indices { network.make(.boot, of: node) }
    network.run(for: .seconds(20))
  }

  @Test(arguments: [[true, true], [true, false], [false, true]], 1...UInt64(20))
  func `if advertisements are lost between two nodes, one of them stays Backup`(filtered: [Bool], seed: UInt64) {
    var network = Self.pair(seed: seed)
    Self.boot(&network)
    let (announced, moves) = (network.announcements, network.moves)
    network.faults.filtered[0][1] = filtered[0]
    network.faults.filtered[1][0] = filtered[1]
    network.run(for: .seconds(10))
    let settled = network.moves
    #expect(settled - moves == 0, "seed \(seed): the newcomer asks before it takes over")
    network.run(for: .minutes(10))
    #expect(network.moves == settled, "seed \(seed)")
    #expect(network.nodes.count { $0.isActive } == 1, "seed \(seed)")
    #expect(network.nodes[0].isActive, "the connections stay where they are")
    // A few answers, and one a minute.
    #expect(network.announcements[0] - announced[0] <= 40 && network.announcements[1] == announced[1])
    #expect(network.broken.isEmpty, "seed \(seed): \(network.broken)")
    // Advertisements pass again.
    network.faults.filtered = [[false, false], [false, false]]
    network.run(for: .minutes(1))
    #expect(network.moves == settled && network.nodes[0].isActive && !network.nodes[1].isActive)
  }

  @Test func `an announcement right after the start does not count as a missing advertisement`() {
    var node = SingleRouter(priority: 100)
    node.pass(50)
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    #expect(node.effects == [])
    node.pass(900)
    node.hear(101)
    node.pass(seconds: 10, hearing: 101)
    let notes = node.effects.filter { if case .note = $0 { true } else { false } }
    #expect(notes == [])
  }

  @Test(arguments: 1...UInt64(20))
  func `a new Active whose probes were lost gives way when another host announces the addresses`(seed: UInt64) {
    var network = Self.pair(seed: seed)
    Self.boot(&network)
    let moves = network.moves
    // No packets pass until both are Active; then all but advertisements pass.
    network.faults.cut = [[true, true], [true, true]]
    network.run(for: .milliseconds(.random(in: 2600...4700, using: &network.random)))
    network.faults.cut = [[false, false], [false, false]]
    network.faults.filtered = [[true, true], [true, true]]
    network.run(for: .seconds(20))
    #expect(network.moves - moves <= 8, "seed \(seed)")
    let settled = network.moves
    network.run(for: .minutes(10))
    #expect(network.nodes.count { $0.isActive } == 1, "seed \(seed)")
    #expect(network.moves == settled, "seed \(seed)")
  }

  @Test(arguments: [[UInt8(101), 100], [100, 100], [100, 100, 100]], 1...UInt64(20))
  func `nodes that start together without each other's advertisements end with one Active`(
    priorities: [UInt8], seed: UInt64
  ) {
    var network = Self.pair(priorities, seed: seed)
    network.faults.filtered = priorities.map { _ in priorities.map { _ in true } }
    Self.boot(&network)
    network.run(for: .seconds(40))
    let moves = network.moves
    #expect(network.nodes.count { $0.isActive } == 1, "seed \(seed)")
    network.run(for: .minutes(10))
    #expect(network.moves == moves, "seed \(seed)")
    #expect(network.nodes.count { $0.isActive } == 1, "seed \(seed)")
  }

  @Test(arguments: 1...UInt64(20))
  func `a Backup takes over from an unheard Active once its address is gone`(seed: UInt64) {
    var network = Self.pair(seed: seed)
    Self.boot(&network)
    network.faults.filtered = [[true, true], [true, true]]
    network.run(for: .minutes(2))
    #expect(!network.nodes[1].isActive)
    network.kill(0, keepsAddress: true)
    // The lease, and the usual wait for an Active that stopped advertising.
    network.run(for: .seconds(8))
    #expect(network.nodes[1].isActive, "seed \(seed)")
    #expect(network.broken.isEmpty, "seed \(seed): \(network.broken)")
  }

  @Test(arguments: ["192.0.2.100", "2001:db8::100"])
  func `a new Active stays Active if its probe is not answered after an announcement`(address: String) {
    var node = SingleRouter { $0.addresses = [virtual(address)] }
    while node.router.role != .active { node.pass(100) }
    var probes = 0
    for _ in 0..<200 {
      node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      node.pass(100)
      probes += node.effects.count { $0 == .probe }
    }
    #expect(probes > 0)
    #expect(node.router.role == .active)
  }

  @Test func `an announcement soon after an advertisement does not delay the takeover`() {
    var node = SingleRouter()
    node.hear(200)
    node.pass(1500)
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    #expect(node.notes.isEmpty)
    node.pass(2500)
    #expect(node.router.role == .active)
  }

  @Test func `ARP replies of a kernel, without an announcement, do not delay the takeover`() {
    var node = SingleRouter()
    node.hear(200)
    for _ in 0..<37 {
      node.pass(100)
      node.tell(.claimed(.used, by: "02:00:00:00:00:01"))
      node.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    }
    #expect(node.router.role == .active)
  }

  @Test(arguments: ["192.0.2.100", "2001:db8::100"])
  func `a new Active gives way if its probe is answered after an announcement`(address: String) {
    var node = SingleRouter { $0.addresses = [virtual(address)] }
    while node.router.role != .active { node.pass(100) }
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    while !node.effects.contains(.probe) { node.pass(10) }
    node.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    #expect(node.router.role == .backup)
  }

  @Test func `the log says that advertisements are rejected, not that they are missing`() {
    var node = SingleRouter()
    var said: [RouterNote] = []
    for second in 0..<130 {
      node.tell(.rejected(.stale(secondsAhead: 300), from: ip("192.0.2.6")))
      node.tell(.claimed(second < 3 ? .announced : .answered, by: "02:00:00:00:00:01"))
      said += node.notes
      node.pass(1000)
      said += node.notes
    }
    let note = RouterNote.rejectedActive("02:00:00:00:00:01", ip("192.0.2.6"), .stale(secondsAhead: 300))
    #expect(said == [note, note, note])
    #expect(node.router.role == .backup)
    #expect(note.text.contains("compare the clocks") && !note.text.contains("hear"))
    // Later no advertisements arrive at all, and the log line changes.
    for _ in 0..<70 {
      node.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
      node.pass(1000)
      said += node.notes
    }
    #expect(said.last == .unheardActive("02:00:00:00:00:01"))
  }

  @Test func `rejected advertisements of a third node do not explain a missing Active`() {
    var node = SingleRouter()
    node.hear(200)
    node.pass(2100)
    node.tell(.rejected(.checksum(otherConvention: false), from: ip("192.0.2.13")))
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    #expect(node.notes == [.unheardActive("02:00:00:00:00:01")])
  }

  @Test func `a new Active that gives way logs why it rejected the advertisements of the other node`() {
    var node = SingleRouter()
    while node.router.role != .active { node.pass(100) }
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    while !node.effects.contains(.probe) { node.pass(10) }
    node.tell(.rejected(.digest, from: ip("192.0.2.6")))
    node.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    #expect(node.router.role == .backup)
    #expect(node.notes.first == .rejectedActive("02:00:00:00:00:01", ip("192.0.2.6"), .digest))
    #expect(node.notes.last?.text.contains("its advertisements are rejected") == true)
  }

  @Test func `a Backup in a contest logs it once a minute`() {
    var node = SingleRouter()
    node.pass(2000)
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    var said = node.notes
    for _ in 0..<180 {
      node.pass(1000)
      said += node.notes
      node.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    }
    #expect(said == [RouterNote](repeating: .unheardActive("02:00:00:00:00:01"), count: 4) || said.count == 3)
    #expect(node.router.role == .backup)
  }
}
