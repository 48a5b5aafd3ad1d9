import Wire

/// The rate limit of a worker's messages, far above what a working one sends.
///
/// A worker reports its load and that of each server once a second, and more only when something changes. One that sends
/// more than the limit is broken or compromised, and is replaced.
package struct EventBudget {
  /// Events taken in one turn of the supervisor's loop; more wait for the next, behind the virtual routers. A turn of them
  /// takes less than a millisecond.
  static let perTurn = 64

  /// Each configuration reports its certificates, every error something of itself.
  private static let commonRate: UInt64 = 256
  /// A second; each server has one load and, at the worst, a change of state in each check.
  private static let serverRate: UInt64 = 16
  /// Seconds of saying nothing that may be made up for at once: a supervisor that did not run finds what has gathered.
  private static let burst: UInt64 = 16

  /// Events in a second, in the long run.
  package private(set) var rate: UInt64
  /// In billionths of an event.
  private var left: UInt64
  private var counted: Instant

  /// Full, for a service with so many servers.
  package init(servers: Int, at now: Instant) {
    rate = Self.rate(servers)
    left = 0
    counted = now
    left = capacity
  }

  /// The most that can be said at once.
  package var most: UInt64 { rate * Self.burst }

  private var capacity: UInt64 { most * 1_000_000_000 }

  private static func rate(_ servers: Int) -> UInt64 {
    // No configuration has as many servers; the product is bounded all the same.
    commonRate + serverRate * UInt64(clamping: min(servers, 65_536))
  }

  /// Another configuration may have more servers, or fewer.
  mutating func adopt(servers: Int) {
    rate = Self.rate(servers)
    left = min(left, capacity)
  }

  /// Takes one event; false when there are too many.
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
