import Wire

/// How late timers are served: an advertisement that is sent late may lose the addresses.
struct TimerSlip {
  /// Tolerated on a busy machine; the shortest interval is twice as long.
  private static let tolerance = Interval.milliseconds(5)

  /// How often the delay exceeded it.
  private(set) var count: UInt64 = 0
  private(set) var longest = Interval.zero

  mutating func note(_ delay: Interval) {
    guard delay > Self.tolerance else { return }
    count += 1
    longest = max(longest, delay)
  }
}
