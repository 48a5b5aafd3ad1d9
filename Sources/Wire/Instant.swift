/// A point on a monotonic clock, in nanoseconds since an arbitrary origin. Pure code is handed instants; it never
/// asks for one.
package struct Instant: Hashable, Comparable, Sendable {
  package var nanoseconds: UInt64

  @inlinable
  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Whole milliseconds since the origin, rounded down.
  @inlinable
  package var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  @inlinable
  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Saturates at the end of time.
  @inlinable
  package static func + (instant: Instant, interval: Interval) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// The time from `earlier` to `later`; zero when they are the wrong way round.
  @inlinable
  package static func - (later: Instant, earlier: Instant) -> Interval {
    Interval(nanoseconds: later.nanoseconds > earlier.nanoseconds ? later.nanoseconds - earlier.nanoseconds : 0)
  }

  package static let distantFuture = Instant(nanoseconds: .max)
}

/// A length of time in nanoseconds, never negative. `Swift.Duration` counts attoseconds in 128 bits, which the hot
/// path would pay for.
package struct Interval: Hashable, Comparable, Sendable {
  package var nanoseconds: UInt64

  @inlinable
  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  @inlinable
  package static func seconds(_ count: UInt64) -> Interval { Interval(nanoseconds: count * 1_000_000_000) }
  @inlinable
  package static func milliseconds(_ count: UInt64) -> Interval { Interval(nanoseconds: count * 1_000_000) }
  package static func minutes(_ count: UInt64) -> Interval { .seconds(count * 60) }
  package static func hours(_ count: UInt64) -> Interval { .minutes(count * 60) }
  package static let zero = Interval(nanoseconds: 0)

  /// Whole milliseconds, rounded down.
  @inlinable
  package var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  @inlinable
  package static func < (left: Interval, right: Interval) -> Bool { left.nanoseconds < right.nanoseconds }
}
