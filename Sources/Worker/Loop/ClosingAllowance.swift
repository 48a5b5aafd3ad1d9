import Wire

/// Limits the time one turn spends on ending connections: `Loop.closingBudget` from the first one on. The clock is read
/// only if a connection has ended.
struct ClosingAllowance {
  private var end: Instant?

  /// Whether the time is used up; called after a connection has ended.
  mutating func isSpent(clock: () -> Instant) -> Bool {
    let now = clock()
    guard let end else {
      end = now + Loop.closingBudget
      return false
    }
    return now >= end
  }
}
