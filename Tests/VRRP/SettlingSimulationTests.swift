import Domain
import Simulation
import Testing
import Wire

@testable import VRRP

/// Two nodes in virtual time whose link drops packets in either direction, and that tell each other their roles over the
/// connection of a pair, as supervisors do: once a second, and within half a second after a change.
private struct ConnectedNodes {
  private static let step = Interval.milliseconds(100)
  /// Nodes look for changes at different times.
  private static let phases: [UInt64] = [0, 3]

  var network: SimulatedNetwork
  var isConnected = true
  private var steps: UInt64 = 0
  private var told: [(report: PeerReport, at: Instant)?] = [nil, nil]
  /// Since when there is a node that runs, and none is Active.
  private var missingSince: Instant?
  private(set) var longestGap = Interval.zero

  init(site: RandomFaults.Site, seed: UInt64) {
    network = SimulatedNetwork(nodes: site.nodes, delay: .milliseconds(10), seed: seed)
    for node in network.nodes.indices { network.make(.boot, of: node) }
  }

  mutating func run(for interval: Interval, observing observe: (inout ConnectedNodes) -> Void = { _ in }) {
    let end = network.now + interval
    while network.now < end {
      steps += 1
      for node in 0...1 where (steps + Self.phases[node]) % 5 == 0 { report(node) }
      network.run(for: Self.step)
      noteGap()
      observe(&self)
    }
  }

  private mutating func report(_ node: Int) {
    let sender = network.nodes[node]
    guard sender.process == .running, isConnected else { return told[node] = nil }
    let report = PeerReport(
      name: "node \(node)", role: sender.router.role, priority: sender.router.priority, address: sender.source,
      isSettled: sender.router.isSettled)
    if let told = told[node], told.report == report, network.now < told.at + .seconds(1) { return }
    told[node] = (report, network.now)
    network.tell(1 - node, .peer(report))
  }

  private mutating func noteGap() {
    let roles = network.nodes.filter { $0.process == .running }.map(\.router.role)
    guard !roles.isEmpty, !roles.contains(.active) else { return missingSince = nil }
    missingSince = missingSince ?? network.now
    if let missingSince { longestGap = max(longestGap, network.now - missingSince) }
  }

  mutating func strike() {
    let node = Int.random(in: 0...1, using: &network.random)
    switch Int.random(in: 0..<6, using: &network.random) {
    case 0, 1: network.faults.filtered[node][1 - node].toggle()
    case 2: network.faults.cut[node][1 - node].toggle()
    case 3, 4: isConnected.toggle()
    default:
      if network.chance(50) { network.release(node) } else { network.kill(node, keepsAddress: network.chance(50)) }
      network.make(.boot, of: node, after: .milliseconds(.random(in: 1...9000, using: &network.random)))
    }
  }
}

@Suite struct `Nodes with a connection, on a link that drops their advertisements` {
  /// A connection tells who is Active after this time at the latest, whatever the link drops.
  private static let quiet = Interval.seconds(30)
  /// The longest time without an Active while a node runs: until reports of the former one are not valid any more, the
  /// rest of the wait for its advertisements, and a contest with a kernel that still has the address.
  private static let longestGap = Interval.seconds(15)

  @Test(arguments: 1...UInt64(Scale.count(30, limit: 10)))
  func `have exactly one Active while they are connected, and are never without one for long`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var site = RandomFaults.Site(priorities: [101, 100])
    if Bool.random(using: &random) { site.priorities = [100, 100] }
    site.preempts = Int.random(in: 0..<4, using: &random) > 0
    var nodes = ConnectedNodes(site: site, seed: seed)
    for round in 0..<Scale.count(10) {
      for _ in 0..<Int.random(in: 1...12, using: &nodes.network.random) {
        nodes.strike()
        nodes.run(for: .milliseconds(.random(in: 0...9000, using: &nodes.network.random)))
      }
      nodes.isConnected = true
      for node in 0...1 { nodes.network.make(.boot, of: node) }
      nodes.run(for: Self.quiet)
      let place = "seed \(seed), round \(round), \(site), \(nodes.network.faults)"
      let first = nodes.network.nodes.map(\.isActive)
      #expect(first == [true, false] || first == [false, true], "\(place)")
      nodes.run(for: .seconds(20)) { nodes in
        let active = nodes.network.nodes.map(\.isActive)
        if active != first { nodes.network.report(0, "Active are \(active), after \(first)") }
        if nodes.network.nodes.map({ $0.addressUntil != nil }) != active {
          nodes.network.report(0, "and the other one do not have the address as they are Active")
        }
      }
      #expect(nodes.network.broken.isEmpty, "\(place): \(nodes.network.broken)")
      #expect(nodes.longestGap <= Self.longestGap, "\(place): \(nodes.longestGap.milliseconds) ms without an Active")
      guard nodes.network.broken.isEmpty else { return }
    }
    print("seed \(seed): \(site): at most \(nodes.longestGap.milliseconds) ms without an Active")
  }
}
