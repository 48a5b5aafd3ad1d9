import Wire

/// How many events a trace may report from a worker: so many at once, and so many a second in the long run. What is more
/// is counted. Each trace has its own, so that one of a busy client leaves the others theirs.
///
/// The supervisor replaces a worker that floods it: the rate of `TraceOrder.limit` traces is far below that limit.
public struct TraceAllowance: Sendable {
  /// A page with many images, over several connections.
  static let burst: UInt64 = 512
  static let rate: UInt64 = 64

  /// In billionths of an event.
  private var left = Self.burst * 1_000_000_000
  private var counted: Instant
  /// Events that were left out.
  private var lost: UInt64 = 0

  /// Starts full.
  public init(at now: Instant) { counted = now }

  /// Whether an event may be reported.
  public mutating func take(at now: Instant) -> Bool {
    let (gained, overflow) = (now - counted).nanoseconds.multipliedReportingOverflow(by: Self.rate)
    counted = max(now, counted)
    let (sum, isMore) = left.addingReportingOverflow(gained)
    left = overflow || isMore ? Self.burst * 1_000_000_000 : min(sum, Self.burst * 1_000_000_000)
    guard left >= 1_000_000_000 else {
      lose(1)
      return false
    }
    left -= 1_000_000_000
    return true
  }

  /// So many events could not be reported.
  public mutating func lose(_ count: UInt64) { lost &+= count }

  /// The number of events that were left out since the previous call.
  public mutating func takeLost() -> UInt64 {
    defer { lost = 0 }
    return lost
  }
}
