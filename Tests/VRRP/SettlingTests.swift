import Domain
import Testing
import Wire

@testable import VRRP

@Suite struct `Nodes that do not hear each other, and have a connection` {
  private static func report(
    _ role: VirtualRouterRole = .active, priority: UInt8 = 200, address: String = "192.0.2.6", isSettled: Bool = false
  ) -> VirtualRouter.Event {
    .peer(PeerReport(name: "lb2", role: role, priority: priority, address: ip(address), isSettled: isSettled))
  }

  /// Time passes, with a report each second.
  private static func pass(
    _ node: inout SingleRouter, seconds: Int, _ event: VirtualRouter.Event
  ) -> [VirtualRouter.Effect] {
    var all: [VirtualRouter.Effect] = []
    for _ in 0..<seconds {
      node.tell(event)
      all += node.effects
      node.pass(1000)
      all += node.effects
    }
    return all
  }

  private static func notes(_ effects: [VirtualRouter.Effect]) -> [RouterNote] {
    effects.compactMap { if case .note(let note) = $0, note.newRole == nil { note } else { nil } }
  }

  @Test(arguments: [UInt8(1), 100, 101, 200])
  func `a Backup leaves the addresses to an Active that reports and can serve`(priority: UInt8) {
    var node = SingleRouter()
    let effects = Self.pass(&node, seconds: 60, Self.report(priority: priority))
    guard priority > 1 else { return #expect(node.router.role == .active) }
    #expect(node.router.role == .backup && node.router.isSettled && node.router.unheardPeer == "lb2")
    #expect(!effects.contains { if case .holdAddresses = $0 { true } else { false } })
    #expect(Self.notes(effects) == [.settled(behind: "lb2")])
  }

  @Test func `an Active that dies is replaced as soon as without reports`() {
    for (interval, death) in [(UInt16(100), 0), (100, 300), (100, 999), (10, 0), (10, 99)] {
      var ends: [Instant] = []
      for reports in [false, true] {
        var node = SingleRouter { $0.interval = .centiseconds(UInt64(interval)) }
        for _ in 0..<20 {
          node.hear(200, interval: interval)
          if reports { node.tell(Self.report()) }
          node.pass(UInt64(interval) * 10)
        }
        node.hear(200, interval: interval)
        node.pass(UInt64(death * Int(interval) / 100 * 10 / 10))
        // The last one is late.
        node.pass(200)
        if reports { node.tell(Self.report()) }
        while node.router.role == .backup, let deadline = node.router.deadline {
          node.pass(max(1, (deadline - node.now).milliseconds))
        }
        ends.append(node.now)
      }
      #expect(ends[0] == ends[1], "interval \(interval), died after \(death) ms")
    }
  }

  @Test func `the Active's end is noticed by its reports, or by their end`() {
    var node = SingleRouter()
    _ = Self.pass(&node, seconds: 10, Self.report())
    #expect(node.router.isSettled)
    node.tell(Self.report(.fault))
    node.pass(700)
    #expect(node.router.role == .active)

    var other = SingleRouter()
    _ = Self.pass(&other, seconds: 10, Self.report())
    other.pass(2000)
    #expect(!other.router.isSettled && other.router.role == .backup)
    other.pass(3700)
    #expect(other.router.role == .active)
  }

  @Test(arguments: [
    (UInt8(102), "192.0.2.1", true), (101, "192.0.2.6", true), (101, "192.0.2.4", false), (100, "192.0.2.6", false),
  ])
  func `of two Actives the one with the lower rank becomes Backup`(priority: UInt8, address: String, yields: Bool) {
    var node = SingleRouter.active()
    let report = Self.report(priority: priority, address: address)
    // It may be from before this node took over.
    #expect(Self.notes(Self.pass(&node, seconds: 2, report)).isEmpty && node.router.role == .active)
    let effects = Self.pass(&node, seconds: 3, report)
    #expect(node.router.isSettled == yields && effects.contains(.dropAddresses) == yields)
    #expect(Self.notes(effects) == (yields ? [.settled(behind: "lb2")] : []))
    guard !yields else { return }
    #expect(node.router.role == .active)
    // The other one yields.
    node.tell(Self.report(.backup, priority: priority, address: address, isSettled: true))
    #expect(node.effects.contains(.announce(times: AnnouncementSchedule.burst)))
    #expect(Self.notes(node.effects) == [.unheard(by: "lb2")] && node.router.unheardPeer == "lb2")
    node.tell(Self.report(.backup, priority: priority, address: address, isSettled: true))
    #expect(Self.notes(node.effects).isEmpty)
    node.tell(Self.report(.backup, priority: priority, address: address))
    #expect(Self.notes(node.effects) == [.heardAgain("lb2")] && node.router.unheardPeer == nil)
  }

  @Test func `one report from before a takeover ends nothing`() {
    var node = SingleRouter.active()
    node.tell(Self.report())
    node.pass(10_000)
    #expect(node.router.role == .active)
    for _ in 0..<10 {
      node.tell(Self.report())
      node.pass(1000)
      node.tell(Self.report(.backup))
      node.pass(1000)
    }
    #expect(node.router.role == .active)
  }

  @Test func `an advertisement ends it`() {
    var node = SingleRouter()
    _ = Self.pass(&node, seconds: 10, Self.report())
    node.hear(200)
    #expect(Self.notes(node.effects) == [.heardAgain("lb2")] && !node.router.isSettled)
    node.pass(3700)
    #expect(node.router.role == .active)
  }

  @Test func `nothing is left of reports that are old`() {
    var node = SingleRouter()
    for number in 0..<1000 {
      let report = PeerReport(
        name: "lb\(number)", role: .active, priority: 200, address: ip("192.0.2.6"), isSettled: false)
      node.tell(.peer(report))
      node.pass(1)
    }
    node.pass(60_000)
    #expect(node.router.heard.reports == PeerReports())
  }
}
