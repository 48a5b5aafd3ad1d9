import Domain
import Testing
import Wire

@testable import VRRP

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .milliseconds(milliseconds) }

/// Two nodes on one link in virtual time; packets take a millisecond.
private struct Pair {
  var nodes: [VirtualRouter]
  var isCut = false
  private(set) var now = at(0)
  private var flying: [(due: Instant, to: Int, advertisement: Advertisement)] = []
  private(set) var effects: [[VirtualRouter.Effect]] = [[], []]
  private let sources = [ip("192.0.2.2"), ip("192.0.2.3")]
  /// For how long the addresses were on no node, after they had first been on one, in milliseconds.
  private(set) var gap: UInt64 = 0
  private var wasHeld = false

  init(priorities: [UInt8], version: VRRPVersion = .v3, preempts: Bool = true) {
    nodes = priorities.map { priority in
      let servers = Track(name: "servers", weight: .priority(-253), recovery: .seconds(2))
      var settings = VirtualRouterSettings(
        identifier: 51, priority: priority, addresses: [virtual("192.0.2.100")])
      settings.version = version
      settings.preempts = preempts
      return VirtualRouter(settings, tracks: [servers])
    }
  }

  /// Whether the first node has answered a failback.
  var hasFailedBack: Bool { effects[0].contains { if case .failedBack = $0 { true } else { false } } }

  mutating func start(_ node: Int) {
    tell(node, .source(sources[node]))
    tell(node, .start)
    tell(node, .track(0, isGood: true))
  }

  mutating func tell(_ node: Int, _ event: VirtualRouter.Event) {
    for effect in nodes[node].handle(event, at: now) {
      effects[node].append(effect)
      if case .send(let advertisement) = effect, !isCut {
        flying.append((now + .milliseconds(1), 1 - node, advertisement))
      }
    }
  }

  /// Advances the time by a number of milliseconds.
  mutating func run(_ milliseconds: UInt64) {
    let end = now + .milliseconds(milliseconds)
    while now < end {
      now = now + .milliseconds(1)
      while let index = flying.firstIndex(where: { $0.due <= now }) {
        let packet = flying.remove(at: index)
        tell(packet.to, .advertisement(packet.advertisement, from: sources[1 - packet.to]))
      }
      for node in nodes.indices { if let due = nodes[node].deadline, due <= now { tell(node, .timer) } }
      let isHeld = nodes.contains { $0.holdsAddresses }
      wasHeld = wasHeld || isHeld
      if wasHeld, !isHeld { gap += 1 }
    }
  }

  var roles: [VirtualRouterRole] { nodes.map(\.role) }
  mutating func forgetEffects() { effects = [[], []] }
}

@Suite struct `A pair of virtual routers` {
  private func settled(
    _ priorities: [UInt8] = [101, 100], version: VRRPVersion = .v3, preempts: Bool = true
  ) -> Pair {
    var pair = Pair(priorities: priorities, version: version, preempts: preempts)
    for node in 0...1 { pair.start(node) }
    pair.run(5000)
    return pair
  }

  @Test(arguments: [VRRPVersion.v2, .v3])
  func `the higher priority becomes Active after Active_Down_Interval, the other stays Backup`(
    version: VRRPVersion
  ) {
    var pair = Pair(priorities: [101, 100], version: version)
    for node in 0...1 { pair.start(node) }
    pair.run(3600)
    #expect(pair.roles == [.backup, .backup])
    pair.run(10)
    #expect(pair.roles == [.active, .backup])
    pair.run(60_000)
    #expect(pair.roles == [.active, .backup])
    #expect(pair.nodes[1].counters.becameActive == 0)
  }

  @Test(arguments: [VRRPVersion.v2, .v3])
  func `during a stop the address is always on a node`(version: VRRPVersion) {
    var pair = settled(version: version)
    pair.tell(0, .stop)
    pair.run(version == .v2 ? 700 : 20)
    #expect(pair.roles[1] == .active)
    pair.run(1500)
    #expect(pair.gap == 0)
    #expect(!pair.nodes[0].holdsAddresses)
    #expect(pair.effects[0].last == .stopped)
  }

  @Test func `a stop without a successor ends after the bound`() {
    var pair = settled()
    pair.isCut = true
    pair.tell(0, .stop)
    pair.run(499)
    #expect(pair.nodes[0].holdsAddresses)
    pair.run(2)
    #expect(!pair.nodes[0].holdsAddresses)
    #expect(pair.effects[0].last == .stopped)
  }

  @Test(arguments: [true, false])
  func `a node without servers loses the address, with and without preemption`(preempts: Bool) {
    var pair = settled(preempts: preempts)
    pair.tell(0, .track(0, isGood: false))
    pair.run(50)
    #expect(pair.roles == [.backup, .active])
    #expect(pair.gap == 0)
  }

  @Test func `if both lose their servers, the address moves once at most`() {
    var pair = settled()
    pair.tell(0, .track(0, isGood: false))
    pair.run(1000)
    pair.tell(1, .track(0, isGood: false))
    pair.run(20_000)
    #expect(pair.roles == [.backup, .active])
    #expect(pair.gap == 0)
  }

  @Test func `a failover withdraws the node until the failback`() {
    var pair = settled()
    pair.tell(0, .failOver(for: .minutes(10)))
    pair.run(60_000)
    #expect(pair.roles == [.backup, .active])
    #expect(pair.effects[0].contains(.failedOver(to: ip("192.0.2.3"), wasActive: true)))
    pair.tell(0, .failBack)
    #expect(pair.effects[0].contains(.failedBack(isActive: true, behind: nil)))
    pair.run(60)
    #expect(pair.roles == [.active, .backup])
    #expect(pair.gap == 0)
  }

  @Test func `a failback is answered once the Active is known`() {
    var pair = Pair(priorities: [101, 100])
    pair.start(0)
    pair.tell(0, .failBack)
    #expect(!pair.hasFailedBack)
    pair.run(4000)
    #expect(pair.effects[0].contains(.failedBack(isActive: true, behind: nil)))
    pair.start(1)
    pair.tell(1, .failBack)
    pair.run(1000)
    #expect(pair.effects[1].contains(.failedBack(isActive: false, behind: ip("192.0.2.2"))))
  }

  @Test func `a failback during a handover is answered after it, within a bound`() {
    var pair = settled()
    pair.isCut = true
    pair.tell(0, .track(0, isGood: false))
    pair.tell(0, .failOver(for: .minutes(10)))
    pair.tell(0, .failBack)
    pair.run(8001)
    #expect(pair.hasFailedBack)
  }

  @Test func `a second failover request is answered with the first`() {
    var pair = settled()
    pair.tell(0, .failOver(for: .minutes(10)))
    pair.tell(0, .failOver(for: .minutes(20)))
    pair.run(1000)
    let answers = pair.effects[0].filter { if case .failedOver = $0 { true } else { false } }
    #expect(answers == [.failedOver(to: ip("192.0.2.3"), wasActive: true)])
  }

  @Test func `the first start is logged from initialize, not from fault`() {
    var pair = Pair(priorities: [101, 100])
    pair.start(0)
    let changes = pair.effects[0].compactMap { if case .transitioned(let change) = $0 { change } else { nil } }
    #expect(changes.map(\.from) == [.initialize])
    #expect(changes.map(\.to) == [.backup])
  }

  @Test func `a failover without a successor keeps the address`() {
    var pair = settled()
    pair.isCut = true
    pair.tell(0, .failOver(for: .minutes(10)))
    pair.run(600)
    #expect(pair.roles[0] == .active)
    #expect(pair.nodes[0].priority == 101)
    #expect(pair.effects[0].contains(.failedOver(to: nil, wasActive: true)))
    #expect(pair.gap == 0)
  }

  /// The length of the partition determines which node advertises first after it heals.
  @Test(arguments: [5000, 5250, 5500, 5610, 5750, 5999] as [UInt64])
  func `after a partition the better Active announces the address, in either order`(length: UInt64) {
    var pair = settled()
    pair.isCut = true
    pair.run(length)
    #expect(pair.roles == [.active, .active])
    pair.isCut = false
    pair.forgetEffects()
    pair.run(1100)
    #expect(pair.roles == [.active, .backup])
    #expect(pair.effects[0].contains(.announce(times: 5)))
    #expect(pair.gap == 0)
  }

  @Test func `a process that was suspended for long resumes as Backup`() {
    var pair = settled()
    let effects = pair.nodes[0].handle(.timer, at: at(30_000))
    #expect(effects.contains(.dropAddresses))
    #expect(pair.nodes[0].role == .backup)
  }
}
