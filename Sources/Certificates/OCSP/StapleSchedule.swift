import Wire

/// When to fetch a certificate's OCSP response again: half-way through its validity, after four days at most, and after
/// a failure in a minute, doubling up to an hour.
struct StapleSchedule: Sendable {
  /// For brief and for long failures of a responder.
  private static let firstPause = Interval.minutes(1)
  private static let longestPause = Interval.hours(1)
  /// Browsers accept a response for at most ten days, and a revocation should be noticed.
  private static let longestValidity = Interval.hours(4 * 24)

  /// When the next request is due.
  private(set) var due: Instant
  private(set) var failures = 0

  /// The first request is due at once.
  init(startingAt now: Instant) { due = now }

  /// A response was received, valid for `lifetime`.
  mutating func succeeded(goodFor lifetime: Interval, at now: Instant) {
    failures = 0
    due = now + min(max(Interval(nanoseconds: lifetime.nanoseconds / 2), Self.firstPause), Self.longestValidity)
  }

  mutating func failed(at now: Instant) {
    let doublings = UInt64(min(failures, 6))
    due = now + min(Interval(nanoseconds: Self.firstPause.nanoseconds << doublings), Self.longestPause)
    failures += 1
  }
}
