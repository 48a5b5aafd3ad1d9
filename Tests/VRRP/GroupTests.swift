import Domain
import Testing
import Wire

@testable import VRRP

/// Virtual routers in one group.
@Suite struct `A group of virtual routers` {
  /// 51 and 52 in one group, and 53 without a group.
  private struct Node {
    var group: RouterSet
    var now = Instant(nanoseconds: 0) + .seconds(1000)

    init() {
      let worker = Track(name: "worker", weight: .giveUp, recovery: .zero)
      let routers = [51, 52, 53].map { (identifier: UInt8) in
        VirtualRouter(
          VirtualRouterSettings(
            identifier: identifier, priority: 101, addresses: [virtual("192.0.2.\(100 + Int(identifier))")]),
          tracks: [worker])
      }
      group = RouterSet(routers, groups: ["view", "view", nil])
      for event in [.source(ip("192.0.2.5")), .start, .track(0, isGood: true)] as [VirtualRouter.Event] {
        _ = group.handle(event, at: now)
      }
    }

    var roles: [VirtualRouterRole] { group.routers.map(\.role) }

    /// Lets time pass. The routers at the given indices receive advertisements of an equal node, which they follow but
    /// do not yield to.
    mutating func pass(_ milliseconds: UInt64, hearing indices: [Int] = []) {
      let end = now + .milliseconds(milliseconds)
      while now < end {
        if now.milliseconds.isMultiple(of: 1000) { for index in indices { hear(101, index) } }
        now = now + .milliseconds(10)
        if let deadline = group.deadline, deadline <= now { _ = group.handle(.timer, at: now) }
      }
    }

    mutating func hear(_ priority: UInt8, _ index: Int) {
      let advertisement = group.routers[index].settings.advertisement(priority: priority)
      _ = group.handle(.advertisement(advertisement, from: ip("192.0.2.4")), for: index, at: now)
    }
  }

  @Test func `if one becomes Active, the others of its group do, and no other`() {
    var node = Node()
    node.pass(10_000, hearing: [1, 2])
    #expect(node.roles == [.active, .active, .backup])
  }

  @Test func `if one yields to a better Active, the others of its group hand over`() {
    var node = Node()
    node.pass(5000)
    #expect(node.roles == [.active, .active, .active])
    node.hear(200, 0)
    node.hear(200, 1)
    node.pass(100)
    #expect(node.roles == [.backup, .backup, .active])
  }

  @Test func `a router without a successor stays Active although its group yielded`() {
    var node = Node()
    node.pass(5000)
    node.hear(200, 0)
    node.pass(2000)
    #expect(node.roles == [.backup, .active, .active])
  }

  @Test func `a fault of one is a fault of the whole group, with its name, until it ends`() {
    var node = Node()
    node.pass(5000)
    _ = node.group.handle(.source(nil), for: 0, at: node.now)
    node.pass(1000)
    #expect(node.roles == [.fault, .fault, .active])
    #expect(node.group.routers[1].faults == ["no source address"])
    _ = node.group.handle(.source(ip("192.0.2.5")), for: 0, at: node.now)
    node.pass(5000)
    #expect(node.roles == [.active, .active, .active])
    #expect(node.group.routers[1].faults.isEmpty)
  }

  @Test func `two members with faults of their own both recover`() {
    var node = Node()
    for index in 0...1 { _ = node.group.handle(.source(nil), for: index, at: node.now) }
    for index in 0...1 { _ = node.group.handle(.source(ip("192.0.2.5")), for: index, at: node.now) }
    node.pass(5000)
    #expect(node.roles == [.active, .active, .active])
  }
}
