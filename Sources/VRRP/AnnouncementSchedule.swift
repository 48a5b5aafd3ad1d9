import Wire

/// When the addresses are announced to the link by gratuitous ARP and unsolicited neighbour advertisements: five times
/// at once, since one may be lost; once more when the predecessor's addresses are surely gone, since it may have
/// answered in between; five times after five seconds, for switches that were still learning; then slowly for ever.
struct AnnouncementSchedule: Hashable {
  /// One burst to come.
  private struct Burst: Hashable {
    var due: Instant
    var times: Int
  }

  static let burst = 5
  static let settleDelay = Interval.milliseconds(250)
  static let secondBurstDelay = Interval.seconds(5)
  static let refresh = Interval.minutes(1)

  private var bursts: [Burst] = []
  private var refreshAt: Instant?

  var deadline: Instant? { (bursts.map(\.due) + [refreshAt].compactMap { $0 }).min() }

  /// Announces now, and in due course.
  mutating func begin(at now: Instant) -> [VirtualRouter.Effect] {
    bursts = [
      Burst(due: now + Self.settleDelay, times: 1), Burst(due: now + Self.secondBurstDelay, times: Self.burst),
    ]
    refreshAt = now + Self.refresh
    return [.announce(times: Self.burst)]
  }

  mutating func end() {
    bursts = []
    refreshAt = nil
  }

  mutating func advance(to now: Instant) -> [VirtualRouter.Effect] {
    let due = bursts.filter { $0.due <= now }.map(\.times).max() ?? 0
    bursts.removeAll { $0.due <= now }
    if due > 0 { return [.announce(times: due)] }
    guard let refreshAt, now >= refreshAt else { return [] }
    self.refreshAt = now + Self.refresh
    return [.announce(times: 1)]
  }
}
