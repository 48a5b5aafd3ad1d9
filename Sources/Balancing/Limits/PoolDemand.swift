import Wire

/// The recent peak of connections to a server that one loop had in use at once. It determines how many may stay idle,
/// so that simultaneous requests that recur in waves can reuse the connections of the previous wave.
///
/// Invariant: `0 ≤ inUse ≤ peak`.
public struct PoolDemand: Sendable {
  /// A peak is kept for one to two windows.
  public static let window = Interval.seconds(30)

  /// Connections in use now.
  public private(set) var inUse = 0
  /// The peaks of this window and of the previous one.
  private var current = 0
  private var before = 0
  private var windowEnds: Instant

  /// Starts with no connection in use.
  public init(at now: Instant) { windowEnds = now + PoolDemand.window }

  /// The peak of the last one to two windows.
  public var peak: Int { max(current, before) }

  /// A connection is now in use.
  public mutating func took(at now: Instant) {
    if now >= windowEnds { turnOver(at: now) }
    inUse += 1
    if inUse > current { current = inUse }
  }

  /// A connection in use has become idle or was closed.
  public mutating func gaveBack(at now: Instant) {
    precondition(inUse > 0, "gave back a connection that was not in use")
    if now >= windowEnds { turnOver(at: now) }
    inUse -= 1
  }

  /// Whether a connection in use may be kept when it becomes idle, beside `idle` others: up to `least` always, and up
  /// to the difference between the peak and the number then in use. False when `least` is 0.
  public func mayKeep(beside idle: Int, least: Int) -> Bool {
    least > 0 && idle < max(least, peak - inUse + 1)
  }

  private mutating func turnOver(at now: Instant) {
    // After a pause of a whole window the previous window has no connections.
    before = now >= windowEnds + PoolDemand.window ? inUse : current
    current = inUse
    windowEnds = now + PoolDemand.window
  }
}
