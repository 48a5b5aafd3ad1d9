import Domain
import Testing
import Wire

@testable import VRRP

/// Processes or machines that are suspended for a while: SIGSTOP, a snapshot, an overloaded hypervisor.
@Suite struct `A suspended node` {
  private let site = RandomFaults.Site(priorities: [101, 100])

  private func settled() -> SimulatedNetwork {
    var network = SimulatedNetwork(nodes: site.nodes, delay: .milliseconds(1), seed: 1)
    for node in network.nodes.indices { network.make(.boot, of: node) }
    network.run(for: site.bound)
    return network
  }

  /// Whether two nodes have the address at the same time during the interval.
  private func watch(_ network: inout SimulatedNetwork, for interval: Interval) -> Bool {
    var isDouble = false
    network.run(for: interval) { network in
      if network.nodes.count(where: { $0.addressUntil != nil }) > 1 { isDouble = true }
    }
    return isDouble
  }

  @Test(arguments: [500, 3000, 3700, 4500, 60_000] as [UInt64], [true, false])
  func `a Backup does not take over when it resumes, whether packets were queued or lost`(
    length: UInt64, areLost: Bool
  ) {
    var network = settled()
    network.freeze(1)
    network.run(for: .milliseconds(length))
    if areLost { network.nodes[1].unread = [] }
    network.make(.thaw, of: 1)
    #expect(!watch(&network, for: .seconds(20)))
    #expect(network.nodes[1].router.counters.becameActive == 0)
    #expect(network.broken.isEmpty)
  }

  @Test(arguments: [4500, 10_000, 60_000] as [UInt64])
  func `a suspended Active loses its address when the Backup takes over, and resumes as Backup`(
    length: UInt64
  ) {
    var network = settled()
    network.freeze(0)
    var (lostAt, takenAt) = (Instant.distantFuture, Instant.distantFuture)
    network.run(for: .milliseconds(length)) { network in
      if network.nodes[0].addressUntil == nil { lostAt = min(lostAt, network.now) }
      if network.nodes[1].addressUntil != nil { takenAt = min(takenAt, network.now) }
    }
    #expect(lostAt < takenAt + .seconds(1))
    #expect(network.nodes.map(\.isActive) == [true, true])
    #expect(network.nodes.map { $0.addressUntil != nil } == [false, true])
    network.make(.thaw, of: 0)
    #expect(network.nodes[0].router.role == .backup)
    network.run(for: .seconds(20))
    #expect(network.nodes.map(\.isActive) == [true, false])
    #expect(network.broken.isEmpty)
  }

  @Test func `a node suspended during a failover does not take the address back`() {
    var network = settled()
    network.tell(0, .failOver(for: .minutes(10)))
    network.freeze(0)
    network.run(for: .seconds(10))
    network.make(.thaw, of: 0)
    network.run(for: .seconds(10))
    #expect(network.nodes.map(\.isActive) == [false, true])
    #expect(network.broken.isEmpty)
  }

  @Test func `a node suspended during a stop does not restore the address`() {
    var node = SingleRouter.active()
    node.tell(.stop)
    node.pass(400)
    node.freeze(for: .seconds(30))
    #expect(node.effects.first == .note(.suspended(.milliseconds(29_900))))
    #expect(node.effects.last == .stopped)
    #expect(!node.effects.contains(.holdAddresses(lease: .seconds(3))))
    #expect(!node.router.holdsAddresses)
  }

  @Test func `a Backup alone takes over at the second late timer`() {
    var node = SingleRouter()
    node.freeze(for: .seconds(30))
    #expect(node.router.role == .backup)
    node.freeze(for: .seconds(30))
    #expect(node.router.role == .active)
  }
}
