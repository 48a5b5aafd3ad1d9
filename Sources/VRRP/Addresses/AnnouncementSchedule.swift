import Wire

/// When the addresses are announced to the link by gratuitous ARP and unsolicited neighbour advertisements: five times
/// at once, since one may be lost; twice more after the predecessor has removed its addresses, since it may have
/// answered in between; five times after five seconds, for switches that were still learning; then at a slow rate while
/// Active.
///
/// An answer to another node's announcement is not repeated after five seconds: two nodes would answer each other
/// forever.
struct AnnouncementSchedule: Hashable {
  /// A pending burst.
  private struct Burst: Hashable {
    var due: Instant
    var times: Int
  }

  static let burst = 5
  /// A predecessor that yields keeps its addresses for 50 ms; on a busy machine somewhat longer.
  static let repeatDelays = [Interval.milliseconds(75), .milliseconds(250)]
  static let secondBurstDelay = Interval.seconds(5)
  static let refresh = Interval.minutes(1)
  /// While another machine has the address too, each refresh moves the connections, so refreshes are rare.
  static let refreshWhileContested = Interval.minutes(10)

  private var bursts: [Burst]
  private var answerAt: Instant?
  private var refreshAt: Instant

  /// After the first burst, which is sent at once.
  init(startedAt now: Instant) {
    bursts = Self.repeatDelays.map { Burst(due: now + $0, times: 1) }
    bursts.append(Burst(due: now + Self.secondBurstDelay, times: Self.burst))
    refreshAt = now + Self.refresh
  }

  var deadline: Instant { bursts.map(\.due).reduce(min(answerAt ?? refreshAt, refreshAt), min) }

  /// Announces now in answer to another node's announcement, and again when that node's addresses may be gone.
  mutating func answer(times: Int, at now: Instant) -> [VirtualRouter.Effect] {
    bursts = Self.repeatDelays.map { Burst(due: now + $0, times: 1) }
    answerAt = nil
    refreshAt = max(refreshAt, now + Self.refresh)
    return [.announce(times: times)]
  }

  /// Schedules such an answer at `moment` or earlier.
  mutating func answer(later moment: Instant) { answerAt = answerAt.map { min($0, moment) } ?? moment }

  /// Delays the refresh, because another machine has the addresses too.
  mutating func putOffRefresh(at now: Instant) { refreshAt = now + Self.refreshWhileContested }

  mutating func advance(to now: Instant) -> [VirtualRouter.Effect] {
    if let answerAt, now >= answerAt { return answer(times: 1, at: now) }
    let due = bursts.filter { $0.due <= now }.map(\.times).max() ?? 0
    bursts.removeAll { $0.due <= now }
    if due > 0 { return [.announce(times: due)] }
    guard now >= refreshAt else { return [] }
    refreshAt = now + Self.refresh
    return [.announce(times: 1)]
  }
}
