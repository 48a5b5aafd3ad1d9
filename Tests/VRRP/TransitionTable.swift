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
  private struct Precondition: Sendable {
    let name: String
    let arrive: @Sendable (inout Subject) -> Void
  }

  private struct Input: Sendable {
    let name: String
    let apply: @Sendable (inout Subject) -> [VirtualRouter.Effect]
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

    mutating func read(_ role: VirtualRouterRole, _ priority: UInt8, isSettled: Bool = false) -> [VirtualRouter.Effect]
    {
      tell(.peer(PeerReport(name: "lb2", role: role, priority: priority, address: Self.peer, isSettled: isSettled)))
    }

    /// Until a report a second has this outcome.
    mutating func read(_ role: VirtualRouterRole, _ priority: UInt8, until isDone: (Subject) -> Bool) {
      for _ in 0..<8 where !isDone(self) {
        _ = read(role, priority)
        let next = now + .seconds(1)
        while !isDone(self), let deadline = router.deadline, deadline <= next { _ = waitForTimer() }
        if !isDone(self) { now = next }
      }
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

  private static let preconditions = [
    Precondition(name: "Initialize, not started") { _ in },
    Precondition(name: "Initialize, started, conditions unknown") { _ = $0.tell(.start) },
    Precondition(name: "Fault, worker not ready") {
      $0.becomeReady()
      _ = $0.tell(.track(1, isGood: false))
      while $0.router.role == .active { _ = $0.waitForTimer() }
    },
    Precondition(name: "Backup, no Active known") { $0.becomeReady() },
    Precondition(name: "Backup, Active with priority 200") {
      $0.becomeReady()
      _ = $0.hear(200)
      $0.now = $0.now + .milliseconds(500)
    },
    Precondition(name: "Backup, the Active sent priority 0") {
      $0.becomeReady()
      _ = $0.hear(200)
      _ = $0.hear(0)
    },
    Precondition(name: "Backup, ARP announcement without advertisements") {
      $0.becomeReady()
      // The first probe.
      _ = $0.waitForTimer()
      _ = $0.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      $0.now = $0.now + .milliseconds(500)
    },
    Precondition(name: "Backup, settled: the Active reports and is not heard") {
      $0.becomeReady()
      $0.read(.active, 200) { $0.router.isSettled }
    },
    Precondition(name: "Active for 5 ms, after Active_Down_Interval") {
      $0.becomeReady()
      while $0.router.role != .active { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(5)
    },
    Precondition(name: "Active for 1.6 s, probing after an ARP announcement") {
      $0.becomeReady()
      while $0.router.role != .active { _ = $0.waitForTimer() }
      _ = $0.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      for _ in 0..<20 where $0.awaitsAdvertisement { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(5)
    },
    Precondition(name: "Active") {
      $0.becomeActive()
      let later = $0.now + .seconds(11)
      while $0.now < later { _ = $0.waitForTimer() }
      $0.now = $0.now + .milliseconds(10)
    },
    Precondition(name: "Active, and another one has reported that it is, too, for 3 s") {
      $0.becomeActive()
      for _ in 0..<3 {
        _ = $0.read(.active, 100)
        $0.now = $0.now + .seconds(1)
        while let deadline = $0.router.deadline, deadline <= $0.now { _ = $0.tell(.timer) }
      }
    },
    Precondition(name: "Active, handing over for a failover") {
      $0.becomeActive()
      _ = $0.tell(.failOver(for: .minutes(10)))
      $0.now = $0.now + .milliseconds(10)
    },
    Precondition(name: "Active, handing over for a stop") {
      $0.becomeActive()
      _ = $0.tell(.stop)
      $0.now = $0.now + .milliseconds(10)
    },
    Precondition(name: "Backup, withdrawn by the administrator") {
      $0.becomeActive()
      _ = $0.tell(.failOver(for: .minutes(10)))
      _ = $0.hear(100)
      $0.now = $0.now + .seconds(1)
      _ = $0.tell(.timer)
    },
  ]

  private static let inputs: [Input] = [
    Input(name: "start") { $0.tell(.start) },
    Input(name: "all conditions good") { subject in
      let source = subject.tell(.source(Subject.source))
      let tracks = subject.router.conditions.tracked.tracks.indices
      return source + tracks.flatMap { subject.tell(.track($0, isGood: true)) }
    },
    Input(name: "timer") { $0.waitForTimer() },
    Input(name: "advertisement, higher priority: 200") { $0.hear(200) },
    Input(name: "advertisement, lower priority: 100") { $0.hear(100) },
    Input(name: "advertisement, lowest priority: 1") { $0.hear(1) },
    Input(name: "advertisement, equal priority, higher address") { $0.hear($0.router.priority) },
    Input(name: "advertisement, equal priority, lower address") {
      $0.hear($0.router.priority, from: ip("192.0.2.4"))
    },
    Input(name: "advertisement, shutdown: 0") { $0.hear(0) },
    Input(name: "servers unreachable: -60") { $0.tell(.track(0, isGood: false)) },
    Input(name: "worker not ready: fault") { $0.tell(.track(1, isGood: false)) },
    Input(name: "no source address") { $0.tell(.source(nil)) },
    Input(name: "another program removed the address") { $0.tell(.addressRemoved) },
    Input(name: "ARP announcement of the address") { $0.tell(.claimed(.announced, by: "02:00:00:00:00:01")) },
    Input(name: "ARP request from the address") { $0.tell(.claimed(.used, by: "02:00:00:00:00:01")) },
    Input(name: "ARP reply to our probe") {
      $0.tell(.claimed(.answered, by: "02:00:00:00:00:01"))
    },
    Input(name: "ARP probe for the address") { $0.tell(.claimed(.sought, by: "02:00:00:00:00:01")) },
    Input(name: "lb2 reports: Active, higher priority: 200") { $0.read(.active, 200) },
    Input(name: "lb2 reports: Active, lower priority: 100") { $0.read(.active, 100) },
    Input(name: "lb2 reports: Active, lowest priority: 1") { $0.read(.active, 1) },
    Input(name: "lb2 reports: Backup") { $0.read(.backup, 100) },
    Input(name: "lb2 reports: Backup, does not hear us") { $0.read(.backup, 100, isSettled: true) },
    Input(name: "suspended for 30 s") { subject in
      subject.now = subject.now + .seconds(30)
      return subject.tell(.timer)
    },
    Input(name: "failover") { $0.tell(.failOver(for: .minutes(10))) },
    Input(name: "failover --back") { $0.tell(.failBack) },
    Input(name: "stop") { $0.tell(.stop) },
    Input(name: "the group became Active") { $0.tell(.groupTookOver) },
    Input(name: "the group became Backup") { $0.tell(.groupYielded) },
    Input(name: "fault in the group") { $0.tell(.groupFault("link eth1")) },
  ]

  /// The whole table: the first variant in full, the differences of the others.
  static var text: String {
    var text = head
    var rows: [[String]] = []
    for (index, variant) in variants.enumerated() {
      let sections = preconditions.map { precondition in
        inputs.map { row(variant, precondition, $0) }
      }
      let isFirst = index == 0
      if isFirst { rows = sections }
      text += "\n\n# \(variant.name)" + (isFirst ? "" : ": differences")
      for (section, precondition) in preconditions.enumerated() {
        let lines = sections[section].enumerated().filter { isFirst || $0.element != rows[section][$0.offset] }
        guard !lines.isEmpty else { continue }
        text += "\n\n## \(precondition.name)\n"
        for line in lines { text += "\n" + line.element }
      }
    }
    return text + "\n"
  }

  private static let head = """
    The state machine of a virtual router (Sources/VRRP). Written by
    BELVEDERE_UPDATE_GOLDEN=1 swift test --filter TransitionTable; read the difference before you commit it.

    Address 192.0.2.100, own source 192.0.2.5, the peer's 192.0.2.6, priority 101, interval 1 s, lease 3 s. Each row
    starts in the state of its heading: event | resulting state, time until the next timer | effects in order.
    """

  private static func row(_ variant: Variant, _ precondition: Precondition, _ input: Input) -> String {
    var settings = VirtualRouterSettings(identifier: 51, priority: 101, addresses: [virtual("192.0.2.100")])
    variant.change(&settings)
    let tracks = [
      Track(name: "servers", weight: .priority(-60), recovery: .seconds(2)),
      Track(name: "worker", weight: .giveUp, recovery: .seconds(2)),
    ]
    var subject = Subject(router: VirtualRouter(settings, tracks: tracks))
    precondition.arrive(&subject)
    let effects = input.apply(&subject)
    let done = effects.compactMap(\.summary).joined(separator: ", ")
    let columns = [input.name.padded(to: 47), subject.router.summary(at: subject.now).padded(to: 34), done]
    return columns.joined(separator: "| ").trimmedEnd
  }
}

extension VirtualRouter {
  fileprivate func summary(at now: Instant) -> String {
    let name =
      switch state {
      case .initialize: "Initialize"
      case .fault: "Fault"
      case .backup(let backup):
        isSettled ? "Backup, settled" : backup.wait == .skewTime ? "Backup, Skew_Time" : "Backup"
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
    case .holdAddresses: "set address"
    case .dropAddresses: "remove address"
    case .announce(let times): "announce ×\(times)"
    case .probe: "probe"
    case .note(.transition): nil
    case .note(let note): "log \(note.level)"
    case .transitioned(let transition): "\(transition.from) → \(transition.to)"
    case .failedOver(let address, let wasActive):
      "failover: \(address.map { "\($0)" } ?? (wasActive ? "no successor" : "was not Active"))"
    case .failedBack(let isActive, let address):
      "failback" + (isActive ? ": Active" : address.map { ": Backup of \($0)" } ?? "")
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
