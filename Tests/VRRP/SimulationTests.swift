import Simulation
import Testing
import Wire

@testable import VRRP

/// Two and three nodes in virtual time with all kinds of faults. `BELVEDERE_SIMULATION_SCALE` sets the amount (`make
/// simulation`). A failure prints its seed, which is enough to repeat it.
@Suite struct VirtualRouterSimulationTests {
  /// With a scale of 100 these are 300 simulations, most of them of more than half a million steps.
  private static let seeds = 1...UInt64(Scale.count(30, limit: 10))
  /// How often in a simulation faults occur and are repaired.
  private static let rounds = Scale.count(3) * Scale.count(1, limit: 10)

  @Test(arguments: seeds)
  func `after any faults a repaired network has one stable Active, the best node`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let site = RandomFaults.Site(using: &random)
    let chaos = RandomFaults(site: site)
    var network = SimulatedNetwork(nodes: site.nodes, delay: chaos.calm, seed: seed)
    for node in network.nodes.indices { network.make(.boot, of: node) }
    for round in 1...Self.rounds {
      for _ in 0..<Int.random(in: 1...30, using: &network.random) {
        chaos.strike(&network)
        network.run(for: .init(nanoseconds: .random(in: 0..<3 * site.unit.nanoseconds, using: &network.random)))
      }
      chaos.heal(&network)
      network.run(for: site.bound)
      // A node that was about to stop has stopped, and is started again.
      chaos.heal(&network)
      network.run(for: site.bound)
      Self.expectOneActive(&network, site)
      #expect(network.broken.isEmpty, "seed \(seed), round \(round), \(site): \(network.broken)")
      guard network.broken.isEmpty else { return }
    }
    print("seed \(seed): \(site): \(network.steps) steps, \(network.packetsSent) packets")
  }

  @Test(arguments: seeds)
  func `after a partition one Active remains within an interval, and the address is never missing`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var site = RandomFaults.Site(using: &random)
    // Preempt_Mode does not apply to two nodes that are Active at the same time.
    site.preempts = true
    let chaos = RandomFaults(site: site)
    var network = SimulatedNetwork(nodes: site.nodes, delay: chaos.calm, seed: seed)
    for node in network.nodes.indices { network.make(.boot, of: node) }
    network.run(for: site.bound)
    for _ in 0..<Self.rounds {
      // Every node is alone, until each is Active.
      for node in network.nodes.indices { network.faults.cut[node] = network.nodes.map { _ in true } }
      network.run(for: site.units(.random(in: 9...12, using: &network.random)))
      #expect(network.nodes.count { $0.isActive } == network.nodes.count, "seed \(seed)")
      network.run(for: Interval(nanoseconds: .random(in: 0..<site.unit.nanoseconds, using: &network.random)))
      chaos.heal(&network)
      // One advertisement of each, its answer, and the time for which a yielding node keeps the address.
      var longest = site.unit.nanoseconds + 2 * chaos.calm.nanoseconds
      longest += VirtualRouter.Pace.yieldGrace.nanoseconds
      network.run(for: Interval(nanoseconds: longest)) { network in
        if !network.nodes.contains(where: { $0.addressUntil != nil }) { network.report(0, "and all others lost it") }
      }
      Self.expectOneActive(&network, site)
      // One take-over of each node leaks, so that none is damped.
      network.run(for: FlapDamping.memory)
    }
    #expect(network.broken.isEmpty, "seed \(seed), \(site): \(network.broken)")
  }

  /// Checks every instant of ten intervals.
  private static func expectOneActive(_ network: inout SimulatedNetwork, _ site: RandomFaults.Site) {
    let best = network.nodes.indices.max {
      (site.priorities[$0], network.nodes[$0].source.low) < (site.priorities[$1], network.nodes[$1].source.low)
    }
    // Between equal nodes the current Active stays Active.
    let isDecided = site.preempts && best.map { index in site.priorities.count { $0 == site.priorities[index] } } == 1
    let first = network.nodes.indices.filter { network.nodes[$0].isActive }
    network.run(for: site.units(10)) { network in
      let active = network.nodes.indices.filter { network.nodes[$0].isActive }
      let held = network.nodes.indices.filter { network.nodes[$0].addressUntil != nil }
      if active.count != 1 { network.report(active.first ?? 0, "is Active among \(active)") }
      if active != first { network.report(active.first ?? 0, "is Active after \(first)") }
      if held != active { network.report(held.first ?? 0, "has the address among \(held), Active are \(active)") }
      if isDecided, active.first != best { network.report(active.first ?? 0, "is Active in place of \(best ?? 0)") }
    }
  }
}
