import Wire

/// The rate limit of a worker's messages, far above what a working one sends.
///
/// A worker reports its load and that of each server once a second, and more only when something changes. One that sends
/// more than the limit is broken or compromised, and is replaced.
package struct EventBudget {
  /// The most events handled in one turn of the supervisor's loop; the rest are handled in the next, after the virtual
  /// routers. That many take less than a millisecond.
  static let perTurn = 64

  /// Events a second that do not depend on the servers: each configuration reports its certificates, each error adds
  /// one, each of two streams at most 180, each of at most 256 loops one, and the traces 128 (`TraceAllowance`).
  private static let commonRate: UInt64 = 1024
  /// Events a second for each server: one load, one set of counters and at most one state change per check.
  private static let serverRate: UInt64 = 16
  /// Seconds of unused budget that can be used at once: after a pause of the supervisor many events have queued.
  private static let burst: UInt64 = 16

  /// Events per second in the long run.
  package private(set) var rate: UInt64
  /// In billionths of an event.
  private var left: UInt64
  private var counted: Instant

  /// Starts full, for this number of servers.
  package init(servers: Int, at now: Instant) {
    rate = Self.rate(servers)
    left = 0
    counted = now
    left = capacity
  }

  /// The most events at once.
  package var most: UInt64 { rate * Self.burst }

  private var capacity: UInt64 { most * 1_000_000_000 }

  private static func rate(_ servers: Int) -> UInt64 {
    // No configuration has that many servers; the limit rules out an overflow.
    commonRate + serverRate * UInt64(clamping: min(servers, 65_536))
  }

  /// Adapts to another configuration's number of servers.
  mutating func adopt(servers: Int) {
    rate = Self.rate(servers)
    left = min(left, capacity)
  }

  /// Spends one event; false when the budget is used up.
  package mutating func spend(at now: Instant) -> Bool {
    let (gained, overflow) = (now - counted).nanoseconds.multipliedReportingOverflow(by: rate)
    counted = max(now, counted)
    let (sum, tooMuch) = left.addingReportingOverflow(gained)
    left = overflow || tooMuch ? capacity : min(sum, capacity)
    guard left >= 1_000_000_000 else { return false }
    left -= 1_000_000_000
    return true
  }

  /// For the log.
  var reason: String { "it floods: more than \(rate) messages a second" }
}
