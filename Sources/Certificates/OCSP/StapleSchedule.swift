import Wire

/// When a certificate's authority is asked again: half-way to the end of what it said last, after four days at most, and
/// after a failure in a minute, then in twice that, up to an hour.
struct StapleSchedule: Sendable {
  /// A responder that is down for a moment, and one that is down for days.
  private static let firstPause = Interval.minutes(1)
  private static let longestPause = Interval.hours(1)
  /// Browsers believe an answer for ten days, however long it says it holds, and a revocation should become known.
  private static let longestTrust = Interval.hours(4 * 24)

  /// Ask then.
  private(set) var due: Instant
  private(set) var failures = 0

  /// Asks at once.
  init(startingAt now: Instant) { due = now }

  /// The authority's word holds for so long.
  mutating func succeeded(goodFor lifetime: Interval, at now: Instant) {
    failures = 0
    due = now + min(max(Interval(nanoseconds: lifetime.nanoseconds / 2), Self.firstPause), Self.longestTrust)
  }

  mutating func failed(at now: Instant) {
    let doublings = UInt64(min(failures, 6))
    due = now + min(Interval(nanoseconds: Self.firstPause.nanoseconds << doublings), Self.longestPause)
    failures += 1
  }
}
