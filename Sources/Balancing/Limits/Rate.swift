import Wire

/// How often one client may do something: `count` times in each period on average, and `burst` times at once after a
/// pause.
///
/// It is the token bucket of `burst` tokens in the form of the generic cell rate algorithm: a client has one number, the
/// time at which it has paid for everything, its debt being the time until then. Each event costs `interval`; one is
/// refused while the debt exceeds `tolerance`, and costs nothing then. So a client that goes on gets its average rate.
///
/// Invariants: `interval ≥ 1 µs`; `interval × burst ≤ longestRecovery`, so that no sum of a debt overflows.
public struct Rate: Hashable, Sendable {
  /// The time for which `count` is given.
  public enum Period: String, CaseIterable, Hashable, Sendable {
    case second = "s"
    case minute = "m"
    case hour = "h"

    var length: Interval {
      switch self {
      case .second: .seconds(1)
      case .minute: .minutes(1)
      case .hour: .hours(1)
      }
    }
  }

  /// Whether an event may happen.
  public enum Decision: Hashable, Sendable {
    case allowed
    /// Not before this time has passed.
    case refused(wait: Interval)
  }

  /// The most events in a period: more than any machine serves.
  public static var mostCount: Int { 1_000_000 }
  /// How long a client that has used up its burst may have to be quiet until it has all of it again.
  public static var longestRecovery: Interval { .hours(24) }
  /// The default burst is what may happen in this time, or in one period if that is longer.
  private static let standardBurst = Interval.seconds(10)
  /// How much later the turn of another loop may have begun: more than a turn takes.
  private static let longestLag = Interval.seconds(1)

  public let count: Int
  public let period: Period
  public let burst: Int
  /// What one event costs.
  let interval: Interval
  /// The debt up to which events are allowed.
  let tolerance: Interval

  /// Nil when a number is out of bounds or the recovery would take too long. `burst`: nil for the default, at least 1.
  public init?(_ count: Int, per period: Period, burst: Int? = nil) {
    guard 1...Rate.mostCount ~= count else { return nil }
    let interval = period.length.nanoseconds / UInt64(count)
    let burst = burst ?? max(count, Int(Rate.standardBurst.nanoseconds / interval))
    guard burst > 0 else { return nil }
    let (recovery, overflow) = interval.multipliedReportingOverflow(by: UInt64(burst))
    guard !overflow, recovery <= Rate.longestRecovery.nanoseconds else { return nil }
    self.count = count
    self.period = period
    self.burst = burst
    self.interval = Interval(nanoseconds: interval)
    tolerance = Interval(nanoseconds: recovery - interval)
  }

  /// Decides an event of a client that has paid for everything at `paid`, and charges it if it is allowed.
  @inline(always)
  func decide(_ paid: inout Instant, at now: Instant) -> Decision {
    var debt = paid - now
    guard debt <= tolerance else {
      // More than all of it may come from a loop whose turn began later; a debt of another rate before a reload is
      // forgiven. If both were, a client would gain by each turn of a loop that is behind the others.
      let most = Interval(nanoseconds: tolerance.nanoseconds &+ interval.nanoseconds)
      if debt.nanoseconds > most.nanoseconds &+ Rate.longestLag.nanoseconds {
        paid = now + most
        debt = most
      }
      return .refused(wait: Interval(nanoseconds: debt.nanoseconds &- tolerance.nanoseconds))
    }
    paid = now + Interval(nanoseconds: debt.nanoseconds &+ interval.nanoseconds)
    return .allowed
  }
}

extension Rate: CustomStringConvertible {
  /// As in the configuration: `100/s burst 1000`.
  public var description: String { "\(count)/\(period.rawValue) burst \(burst)" }
}
