import Wire

/// How many events the traces of a worker may report: so many at once, and so many a second in the long run. What is
/// more is counted.
///
/// The supervisor replaces a worker that floods it: the rate is far below that limit.
public struct TraceAllowance: Sendable {
  /// A page with many images, over several connections.
  static let burst: UInt64 = 512
  static let rate: UInt64 = 128

  /// In billionths of an event.
  private var left = Self.burst * 1_000_000_000
  private var counted: Instant
  /// Events that were left out, by the trace's number.
  private var lost: [UInt32: UInt64] = [:]

  /// Starts full.
  public init(at now: Instant) { counted = now }

  /// Whether an event may be reported.
  public mutating func take(for trace: UInt32, at now: Instant) -> Bool {
    let (gained, overflow) = (now - counted).nanoseconds.multipliedReportingOverflow(by: Self.rate)
    counted = max(now, counted)
    let (sum, isMore) = left.addingReportingOverflow(gained)
    left = overflow || isMore ? Self.burst * 1_000_000_000 : min(sum, Self.burst * 1_000_000_000)
    guard left >= 1_000_000_000 else {
      lose(for: trace)
      return false
    }
    left -= 1_000_000_000
    return true
  }

  /// An event could not be reported.
  public mutating func lose(for trace: UInt32) { lost[trace, default: 0] &+= 1 }

  /// The number of events that were left out since the previous call, by the trace's number.
  public mutating func takeLost() -> [UInt32: UInt64] {
    defer { lost = [:] }
    return lost
  }
}
