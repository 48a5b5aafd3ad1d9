import Wire

/// How long one turn may go on ending connections: `Loop.closingBudget` from the first one on. Without a connection that
/// ends it reads no clock.
struct ClosingAllowance {
  private var end: Instant?

  /// To be asked when a connection has ended.
  mutating func isSpent(clock: () -> Instant) -> Bool {
    let now = clock()
    guard let end else {
      end = now + Loop.closingBudget
      return false
    }
    return now >= end
  }
}
