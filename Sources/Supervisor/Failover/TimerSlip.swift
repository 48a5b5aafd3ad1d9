import Wire

/// How well timers are kept: an advertisement that leaves late may cost the addresses.
struct TimerSlip {
  /// What a busy machine may take without a word; the shortest interval is twice as long.
  private static let tolerance = Interval.milliseconds(5)

  /// How often more than that passed.
  private(set) var count: UInt64 = 0
  private(set) var longest = Interval.zero

  mutating func note(_ delay: Interval) {
    guard delay > Self.tolerance else { return }
    count += 1
    longest = max(longest, delay)
  }
}
