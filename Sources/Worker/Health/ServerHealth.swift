import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire

/// One server's health: when its checks begin, and what their results add up to. It goes by the snapshot that named the
/// server last.
struct ServerHealth {
  /// Checks of one server under way at once, at most: each has a descriptor of those that are reserved.
  static let mostChecksAtOnce = DescriptorBudget.checksPerServer

  /// By its index in the service's snapshot.
  private(set) var server: Int
  private(set) var snapshot: ServiceSnapshot
  var schedule: CheckSchedule
  private(set) var tracker: HealthTracker
  /// Those under way, by their keys in the prober's slab.
  var checks: [SlabKey] = []
  /// More than the result says about the last failure: which certificate, and why.
  private(set) var detail: String?

  /// `earlier` is what an earlier snapshot knew of the same server.
  init(_ server: Int, _ snapshot: ServiceSnapshot, continuing earlier: HealthTracker? = nil, at now: Instant) {
    let health = snapshot.settings.health
    self.server = server
    self.snapshot = snapshot
    let overlap = min(health.fall, ServerHealth.mostChecksAtOnce)
    schedule = CheckSchedule(
      pace: .init(interval: health.interval, jitter: health.jitter, overlap: overlap), startingAt: now)
    tracker = earlier ?? HealthTracker(rise: health.rise, fall: health.fall, lossTime: health.lossTime)
    tracker.rise = health.rise
    tracker.fall = health.fall
    tracker.lossTime = health.lossTime
  }

  /// Goes on as the health of another snapshot's server, checks under way included: a server that is asked has to be
  /// heard, and reloads that follow each other quickly must not keep anybody from learning how it is. False when that
  /// snapshot's server is another one or checked otherwise.
  mutating func goOn(as other: Int, of next: ServiceSnapshot) -> Bool {
    let (mine, theirs) = (snapshot.servers[server], next.servers[other])
    guard shared === next.backend.servers[other], mine.security.serverName == theirs.security.serverName,
      mine.security.context.isEquivalent(to: theirs.security.context),
      snapshot.settings.health == next.settings.health,
      snapshot.settings.mode == next.settings.mode
    else { return false }
    server = other
    snapshot = next
    return true
  }

  var shared: SharedServer { snapshot.backend.servers[server] }

  /// What makes the server's certificate acceptable is the same to another snapshot.
  func isTrusted(like upstream: ServiceSnapshot.Upstream) -> Bool {
    snapshot.servers[server].security.context.isEquivalent(to: upstream.security.context)
  }

  /// What an operator wants of the server now.
  var wanted: AdminState.Mode? { snapshot.backend.adminState(of: server) }

  /// Publishes the server's state.
  func publish(_ state: ServerState) {
    if let began = tracker.slowStart.began { shared.returned(at: began) }
    snapshot.backend.set(state, at: server)
  }

  /// Publishes what becomes of those who are there.
  func publish(_ presence: ServerPresence) { snapshot.backend.lose(server, presence) }

  /// Publishes how a check went; after `record`.
  func publish(_ result: CheckResult, status: UInt16?, took: Interval) {
    let words =
      switch result {
      case .passed, .disabled: status.map { "\($0)" } ?? "passed"
      case .failed(let failure): "\(failure)"
      case .inconclusive: "not made"
      }
    let (count, needed) = tracker.pending ?? (0, 0)
    shared.note(
      ServerCheck(
        time: Clock.wall(), result: detail.map { "\(words): \($0)" } ?? words, milliseconds: took.milliseconds,
        count: UInt64(count), needed: UInt64(needed)))
  }

  /// Sets the server's administrative state, or takes it back; answers with the change of state when there is one.
  mutating func apply(_ state: AdminState.Mode?, at now: Instant) -> Transition? { tracker.set(state, at: now) }

  /// A check that began then is over; answers with the change of state when there is one.
  mutating func record(
    _ result: CheckResult, _ detail: String?, began: Instant, at now: Instant, random: UInt64
  ) -> Transition? {
    self.detail = detail
    let transition = tracker.record(result, began: began, at: now)
    let urgency = result == .inconclusive ? .doubt : tracker.urgency
    schedule.ended(began, at: now, urgency: urgency, random: random)
    return transition
  }
}
