import Domain
import Wire

@testable import VRRP

/// The effects of every event in every state of a virtual router, as text. It was checked against RFC 9568 §6.4 once by
/// a person, and is compared by a test.
struct TransitionTable {
  /// Settings with which a router behaves differently.
  struct Variant: Sendable {
    let name: String
    let change: @Sendable (inout VirtualRouterSettings) -> Void
  }

  static let variants = [
    Variant(name: "Version 3, priority 101, preempting") { _ in },
    Variant(name: "Without preemption") { $0.preempts = false },
    Variant(name: "Version 2") { $0.version = .v2 },
    Variant(name: "Owner of the address, priority 255") { $0.priority = 255 },
  ]

  /// A state, and the events that lead to it.
  private struct Beginning: Sendable {
    let name: String
    let arrive: @Sendable (inout Subject) -> Void
  }

  private struct Happening: Sendable {
    let name: String
    let happen: @Sendable (inout Subject) -> [VirtualRouter.Effect]
  }

  /// The router under test and its clock.
  private struct Subject {
    var router: VirtualRouter
    var now = Instant(nanoseconds: 0) + .seconds(1000)

    static let source = ip("192.0.2.5")
    static let peer = ip("192.0.2.6")

    mutating func tell(_ event: VirtualRouter.Event) -> [VirtualRouter.Effect] { router.handle(event, at: now) }

    mutating func hear(_ priority: UInt8, from address: IPAddress = peer) -> [VirtualRouter.Effect] {
      let advertisement = Advertisement(
        version: router.settings.version, virtualRouter: 51, priority: priority, intervalCentiseconds: 100,
        addresses: router.settings.ipAddresses)
      return tell(.advertisement(advertisement, from: address))
    }

    mutating func waitForTimer() -> [VirtualRouter.Effect] {
      guard let deadline = router.deadline else { return [] }
      now = max(now, deadline)
      return tell(.timer)
    }

    /// Whether a newcomer waits for the advertisement of the host that announced the addresses.
    var awaitsAdvertisement: Bool {
      guard case .active(let active) = router.state, case .announced? = active.addressConflict else { return false }
      return true
    }

    mutating func becomeReady() {
      _ = tell(.source(Self.source))
      _ = tell(.start)
      for track in router.conditions.tracked.tracks.indices { _ = tell(.track(track, isGood: true)) }
    }

    mutating func becomeActive() {
      becomeReady()
      while router.role != .active { _ = waitForTimer() }
      now = now + .milliseconds(500)
    }
  }

  private static let beginnings = [
    Beginning(name: "Initialize, not started") { _ in },
    Beginning(name: "Initialize, started, nothing known yet") { _ = $0.tell(.start) },
    Beginning(name: "Fault, the worker is not ready") {
      $0.becomeReady()
      _ = $0.tell(.track(1, isGood: false))
      while $0.router.role == .active { _ = $0.waitForTimer() }
    },
    Beginning(name: "Backup, no Active was heard") { $0.becomeReady() },
    Beginning(name: "Backup behind a better one, 200") {
      $0.becomeReady()
      _ = $0.hear(200)
      $0.now = $0.now + .milliseconds(500)
    },
    Beginning(name: "Backup, the Active has just left") {
      $0.becomeReady()
      _ = $0.hear(200)
      _ = $0.hear(0)
    },
    Beginning(name: "Backup, somebody unheard announces the address") {
      $0.becomeReady()
      // The first probe.
      _ = $0.waitForTimer()
      _ = $0.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      $0.now = $0.now + .milliseconds(500)
    },
    Beginning(name: "Active since a moment ago, nobody was heard") {
      $0.becomeReady()
      while $0.router.role != .active { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(5)
    },
    Beginning(name: "Active since a moment ago, and somebody unheard announces the address") {
      $0.becomeReady()
      while $0.router.role != .active { _ = $0.waitForTimer() }
      _ = $0.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      for _ in 0..<20 where $0.awaitsAdvertisement { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(5)
    },
    Beginning(name: "Active") {
      $0.becomeActive()
      let later = $0.now + .seconds(11)
      while $0.now < later { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(10)
    },
    Beginning(name: "Active, handing over by order") {
      $0.becomeActive()
      _ = $0.tell(.failOver(for: .minutes(10)))
      $0.now = $0.now + .milliseconds(10)
    },
    Beginning(name: "Active, handing over to stop") {
      $0.becomeActive()
      _ = $0.tell(.stop)
      $0.now = $0.now + .milliseconds(10)
    },
    Beginning(name: "Backup, withdrawn by the administrator") {
      $0.becomeActive()
      _ = $0.tell(.failOver(for: .minutes(10)))
      _ = $0.hear(100)
      $0.now = $0.now + .seconds(1)
      _ = $0.tell(.timer)
    },
  ]

  private static let happenings: [Happening] = [
    Happening(name: "start") { $0.tell(.start) },
    Happening(name: "every condition is good") { subject in
      let source = subject.tell(.source(Subject.source))
      let tracks = subject.router.conditions.tracked.tracks.indices
      return source + tracks.flatMap { subject.tell(.track($0, isGood: true)) }
    },
    Happening(name: "the timer is due") { $0.waitForTimer() },
    Happening(name: "advertisement, better: 200") { $0.hear(200) },
    Happening(name: "advertisement, worse: 100") { $0.hear(100) },
    Happening(name: "advertisement, of no use: 1") { $0.hear(1) },
    Happening(name: "advertisement, as good, from a greater address") { $0.hear($0.router.priority) },
    Happening(name: "advertisement, as good, from a lesser address") {
      $0.hear($0.router.priority, from: ip("192.0.2.4"))
    },
    Happening(name: "advertisement of one that leaves: 0") { $0.hear(0) },
    Happening(name: "the servers are out of reach: -60") { $0.tell(.track(0, isGood: false)) },
    Happening(name: "the worker is not ready: give up") { $0.tell(.track(1, isGood: false)) },
    Happening(name: "the source address is gone") { $0.tell(.source(nil)) },
    Happening(name: "somebody took the address off") { $0.tell(.addressRemoved) },
    Happening(name: "somebody announces the address") { $0.tell(.claimed(.announced, by: "02:00:00:00:00:01")) },
    Happening(name: "somebody uses the address") { $0.tell(.claimed(.used, by: "02:00:00:00:00:01")) },
    Happening(name: "somebody answers a probe for the address") {
      $0.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    },
    Happening(name: "somebody seeks the address") { $0.tell(.claimed(.sought, by: "02:00:00:00:00:01")) },
    Happening(name: "the process did not run for 30 s") { subject in
      subject.now = subject.now + .seconds(30)
      return subject.tell(.timer)
    },
    Happening(name: "failover") { $0.tell(.failOver(for: .minutes(10))) },
    Happening(name: "failover --back") { $0.tell(.failBack) },
    Happening(name: "stop") { $0.tell(.stop) },
    Happening(name: "the group became Active") { $0.tell(.groupTookOver) },
    Happening(name: "the group yielded") { $0.tell(.groupYielded) },
    Happening(name: "something holds the group back") { $0.tell(.groupFault("link eth1")) },
  ]

  /// The whole table: the first variant in full, the differences of the others.
  static var text: String {
    var text = head
    var rows: [[String]] = []
    for (index, variant) in variants.enumerated() {
      let sections = beginnings.map { beginning in
        happenings.map { row(variant, beginning, $0) }
      }
      let isFirst = index == 0
      if isFirst { rows = sections }
      text += "\n\n# \(variant.name)" + (isFirst ? "" : ": what differs")
      for (section, beginning) in beginnings.enumerated() {
        let lines = sections[section].enumerated().filter { isFirst || $0.element != rows[section][$0.offset] }
        guard !lines.isEmpty else { continue }
        text += "\n\n## \(beginning.name)\n"
        for line in lines { text += "\n" + line.element }
      }
    }
    return text + "\n"
  }

  private static let head = """
    The state machine of a virtual router, as Sources/VRRP answers. Written by
    BELVEDERE_UPDATE_GOLDEN=1 swift test --filter TransitionTable; read the difference before it is committed.

    Address 192.0.2.100, own source 192.0.2.5, the peer's 192.0.2.6, priority 101, interval 1 s, lease 3 s. Each row
    begins anew in the state above it: what happens | the state afterwards, the next timer | what is done, in order.
    """

  private static func row(_ variant: Variant, _ beginning: Beginning, _ happening: Happening) -> String {
    var settings = VirtualRouterSettings(identifier: 51, priority: 101, addresses: [virtual("192.0.2.100")])
    variant.change(&settings)
    let tracks = [
      Track(name: "servers", weight: .priority(-60), recovery: .seconds(2)),
      Track(name: "worker", weight: .giveUp, recovery: .seconds(2)),
    ]
    var subject = Subject(router: VirtualRouter(settings, tracks: tracks))
    beginning.arrive(&subject)
    let effects = happening.happen(&subject)
    let done = effects.compactMap(\.summary).joined(separator: ", ")
    let columns = [happening.name.padded(to: 47), subject.router.summary(at: subject.now).padded(to: 34), done]
    return columns.joined(separator: "| ").trimmedEnd
  }
}

extension VirtualRouter {
  fileprivate func summary(at now: Instant) -> String {
    let name =
      switch state {
      case .initialize: "Initialize"
      case .fault: "Fault"
      case .backup(let backup): backup.wait == .skewTime ? "Backup, hurried" : "Backup"
      case .active: "Active"
      case .leaving: "Active, handing over"
      }
    let address = holdsAddresses == (role == .active) ? "" : "+address"
    return name + address + (deadline.map { ", \(($0 - now).milliseconds) ms" } ?? "")
  }
}

extension VirtualRouter.Effect {
  /// Nil for an effect that another effect implies.
  fileprivate var summary: String? {
    switch self {
    case .send(let advertisement):
      "send \(advertisement.priority)"
        + (advertisement.intervalCentiseconds == 100 ? "" : " at \(advertisement.interval.text)")
    case .holdAddresses: "hold"
    case .dropAddresses: "drop"
    case .announce(let times): "announce ×\(times)"
    case .probe: "probe"
    case .note(.transition): nil
    case .note(let note): "log \(note.level)"
    case .transitioned(let transition): "\(transition.from) → \(transition.to)"
    case .failedOver(let address, let wasActive):
      "failed over to \(address.map { "\($0)" } ?? (wasActive ? "nobody" : "nobody, was not Active"))"
    case .failedBack(let isActive, let address):
      "failed back" + (isActive ? ", Active" : address.map { " behind \($0)" } ?? "")
    case .stopped: "stopped"
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }

  fileprivate var trimmedEnd: String {
    var text = self
    while text.last == " " || text.last == "|" { text.removeLast() }
    return text
  }
}
