import Wire

/// Decides when to return memory to the system: after a peak of connections, when at least half of them have been gone
/// for a while. It depends only on periodic calls.
struct MemoryReturn {
  /// The minimum peak: each of its connections used 10 to 100 KiB.
  static let worthwhile = 100
  /// The required duration of the quiet period.
  static let timeout = Interval.seconds(5)

  /// The maximum of connections since memory was last returned.
  private var peak = 0
  private var quietSince: Instant?

  /// True once after each peak, when it has passed. `most`: the maximum of connections since the previous call, because
  /// a peak may be shorter than the time between two calls.
  mutating func isDue(connections: Int, most: Int, at now: Instant) -> Bool {
    peak = max(peak, most)
    guard peak >= Self.worthwhile, connections <= peak / 2 else {
      quietSince = nil
      return false
    }
    guard let since = quietSince else {
      quietSince = now
      return false
    }
    guard now >= since + Self.timeout else { return false }
    peak = connections
    quietSince = nil
    return true
  }
}
