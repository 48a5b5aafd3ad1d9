import Wire

/// When to give memory back to the system: connections were many, most are gone, and nothing has come since. A pure
/// decision, asked now and then.
struct MemoryReturn {
  /// A crowd that is worth it: each of its connections had 10 to 100 KiB.
  static let worthwhile = 100
  /// How long a quiet time must have lasted.
  static let timeout = Interval.seconds(5)

  /// The most connections since memory was given back last.
  private var peak = 0
  private var quietSince: Instant?

  /// True once for each crowd, when it has gone. `most` is how many connections were open at once since the call before:
  /// a crowd may come and go between two calls.
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
