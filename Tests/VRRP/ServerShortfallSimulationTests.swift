import Domain
import Simulation
import Testing
import Wire

@testable import VRRP

/// Two nodes in virtual time that check the same four servers and tell each other how many they reach, as the
/// supervisors of a pair do. The first one has the higher priority.
private struct ComparedNodes {
  /// How much later than the other one a node may notice a change.
  static let noticeDelay = Interval.seconds(8)
  private static let delay = Interval.seconds(9)
  private static let recovery = Interval.seconds(10)
  private static let step = Interval.milliseconds(500)
  private static let vitalsLifetime = Interval.seconds(3)

  /// A server as a node sees it.
  struct Server {
    var isReached = true
    /// When the node's checks notice the present state.
    var noticedAt: Instant?
  }

  var network: SimulatedNetwork
  var isConnected = true
  /// Servers that have failed, and those that a node alone does not reach.
  var failed: Set<Int> = []
  var unreached: [Set<Int>] = [[], []]
  private var servers = [[Server]](repeating: [Server](repeating: Server(), count: 4), count: 2)
  private var told: [(count: Int, at: Instant)?] = [nil, nil]
  private var shortfalls: [ServerShortfall]
  /// How often another node became Active, after the first one.
  private(set) var moves = 0
  private(set) var active: Int?

  init(seed: UInt64) {
    let site = RandomFaults.Site(priorities: [101, 100])
    let tracks = [
      Track(name: "servers", weight: .priority(-253), recovery: .zero),
      Track(name: "fewer servers", weight: .priority(-50), recovery: .zero, canServe: true),
    ]
    let nodes = site.nodes.map { SimulatedNode(index: $0.index, $0.settings, tracks: tracks) }
    network = SimulatedNetwork(nodes: nodes, delay: .milliseconds(10), seed: seed)
    shortfalls = nodes.map { _ in ServerShortfall(delay: Self.delay, recovery: Self.recovery) }
    for node in nodes.indices { network.make(.boot, of: node) }
    network.run(for: .seconds(10))
    run(for: 10)
    moves = 0
  }

  mutating func run(for seconds: UInt64) {
    let end = network.now + .seconds(seconds)
    while network.now < end {
      for node in 0...1 { check(node) }
      for node in 0...1 where isConnected { told[node] = (reached(node), network.now) }
      for node in 0...1 { compare(node) }
      network.run(for: Self.step)
      let now = network.nodes.indices.filter { network.nodes[$0].isActive }
      guard now.count == 1, now.first != active else { continue }
      active = now.first
      moves += 1
    }
  }

  private mutating func check(_ node: Int) {
    for index in servers[node].indices {
      let isReached = !failed.contains(index) && !unreached[node].contains(index)
      guard servers[node][index].isReached != isReached else {
        servers[node][index].noticedAt = nil
        continue
      }
      let delay = Interval(nanoseconds: .random(in: 0..<Self.noticeDelay.nanoseconds, using: &network.random))
      let due = servers[node][index].noticedAt ?? network.now + delay
      servers[node][index].noticedAt = due
      if network.now >= due { servers[node][index] = Server(isReached: isReached) }
    }
    network.tell(node, .track(0, isGood: reached(node) > 0))
  }

  private mutating func compare(_ node: Int) {
    let other = told[1 - node].flatMap { network.now < $0.at + Self.vitalsLifetime ? $0.count : nil }
    shortfalls[node].delay = network.nodes[node].isActive ? Self.delay : .zero
    let event = (other ?? 0) > reached(node) ? ServerShortfall.Event.fewer : .asMany
    if let isGood = shortfalls[node].handle(event, at: network.now) {
      network.tell(node, .track(1, isGood: isGood))
    }
  }

  func reached(_ node: Int) -> Int { servers[node].count { $0.isReached } }

  /// The node that is Active when the nodes have noticed everything.
  var best: Int { 4 - failed.union(unreached[0]).count < 4 - failed.union(unreached[1]).count ? 1 : 0 }

  var areBothLowered: Bool { network.nodes.allSatisfy { !$0.router.priorityReductions.isEmpty } }
}

@Suite struct `Nodes that compare what they reach` {
  /// After this time everything has been noticed, has counted, and has ended.
  private static let quiet: UInt64 = 8 + 9 + 10 + 8
  private static let seeds = 1...UInt64(Scale.count(10, limit: 10))

  @Test(arguments: seeds)
  func `keep the address where it is when servers fail for both`(seed: UInt64) {
    var nodes = ComparedNodes(seed: seed)
    for _ in 0..<30 {
      let server = Int.random(in: 1...3, using: &nodes.network.random)
      if nodes.failed.remove(server) == nil { nodes.failed.insert(server) }
      if nodes.network.chance(30) { nodes.isConnected.toggle() }
      nodes.run(for: .random(in: 9...40, using: &nodes.network.random))
    }
    #expect(nodes.moves == 0 && nodes.active == 0, "seed \(seed)")
    #expect(nodes.network.broken.isEmpty, "seed \(seed): \(nodes.network.broken)")
  }

  @Test(arguments: seeds)
  func `move it at most once after each change, to the one that reaches more`(seed: UInt64) {
    var nodes = ComparedNodes(seed: seed)
    for round in 0..<30 {
      let before = nodes.moves
      for node in 0...1 where nodes.network.chance(60) {
        // One server is always reached by both.
        nodes.unreached[node] = Set((1..<4).filter { _ in nodes.network.chance(40) })
      }
      nodes.run(for: Self.quiet)
      let place = "seed \(seed), round \(round), not reached \(nodes.unreached)"
      #expect(nodes.moves <= before + 1, "\(place)")
      #expect(nodes.active == nodes.best, "\(place)")
      #expect(!nodes.areBothLowered, "\(place)")
    }
    #expect(nodes.network.broken.isEmpty, "seed \(seed): \(nodes.network.broken)")
  }

  @Test(arguments: seeds)
  func `do not move it again and again, whatever happens, and come to rest`(seed: UInt64) {
    var nodes = ComparedNodes(seed: seed)
    for _ in 0..<3 {
      let (before, began) = (nodes.moves, nodes.network.now)
      for _ in 0..<100 {
        let server = Int.random(in: 1...3, using: &nodes.network.random)
        let node = Int.random(in: 0...1, using: &nodes.network.random)
        if nodes.unreached[node].remove(server) == nil { nodes.unreached[node].insert(server) }
        if nodes.network.chance(20) { nodes.isConnected.toggle() }
        nodes.run(for: .random(in: 0...12, using: &nodes.network.random))
      }
      // A node gives way for ten seconds at least.
      let longest = (nodes.network.now - began).milliseconds / 10_000 + 1
      #expect(nodes.moves - before <= longest, "seed \(seed)")
      nodes.isConnected = true
      nodes.run(for: Self.quiet)
      #expect(nodes.active == nodes.best && !nodes.areBothLowered, "seed \(seed)")
    }
    #expect(nodes.network.broken.isEmpty, "seed \(seed): \(nodes.network.broken)")
  }
}
