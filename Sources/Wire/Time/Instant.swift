/// A point on a monotonic clock, in nanoseconds since an arbitrary origin. Pure code takes instants as parameters and
/// does not read the clock.
public struct Instant: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Whole milliseconds since the origin, rounded down.
  public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Saturates at the last instant.
  public static func + (instant: Instant, interval: Interval) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// The time from `earlier` to `later`; zero when `later` is before `earlier`.
  public static func - (later: Instant, earlier: Instant) -> Interval {
    Interval(nanoseconds: later.nanoseconds > earlier.nanoseconds ? later.nanoseconds - earlier.nanoseconds : 0)
  }

  /// Not before the origin.
  public static func - (instant: Instant, interval: Interval) -> Instant {
    Instant(nanoseconds: (instant - Instant(nanoseconds: interval.nanoseconds)).nanoseconds)
  }

  public static var distantFuture: Instant { Instant(nanoseconds: .max) }
}

/// A length of time in nanoseconds, never negative. `Swift.Duration` counts attoseconds in 128 bits, which is slower on
/// the hot path.
public struct Interval: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// This and the following saturate at 584 years, the longest interval: a number of seconds may come from outside.
  public static func seconds(_ count: UInt64) -> Interval { Interval(count, of: 1_000_000_000) }
  public static func milliseconds(_ count: UInt64) -> Interval { Interval(count, of: 1_000_000) }
  public static func microseconds(_ count: UInt64) -> Interval { Interval(count, of: 1000) }
  public static func minutes(_ count: UInt64) -> Interval { Interval(count, of: 60_000_000_000) }
  public static func hours(_ count: UInt64) -> Interval { Interval(count, of: 3_600_000_000_000) }
  public static var zero: Interval { Interval(nanoseconds: 0) }

  init(_ count: UInt64, of unit: UInt64) {
    let (product, overflow) = count.multipliedReportingOverflow(by: unit)
    nanoseconds = overflow ? .max : product
  }

  /// Whole milliseconds, rounded down.
  public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  /// `2 s`, `250 ms`: the form in log lines.
  public var text: String {
    milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
  }

  public static func < (left: Interval, right: Interval) -> Bool { left.nanoseconds < right.nanoseconds }
}
