import Wire

/// How many connections to a server one loop has had in use at once lately: what it may keep idle follows from that, so
/// that clients who ask at the same moment, wave after wave, find the connections of the wave before.
///
/// Invariant: `0 ≤ inUse ≤ peak`.
public struct PoolDemand: Sendable {
  /// A peak is remembered for one to two of these.
  public static let window = Interval.seconds(30)

  /// Connections in use now.
  public private(set) var inUse = 0
  /// The most at once in this window, and in the one before.
  private var current = 0
  private var before = 0
  private var windowEnds: Instant

  /// Nothing is in use yet.
  public init(at now: Instant) { windowEnds = now + PoolDemand.window }

  /// The most in use at once in the last one to two windows.
  public var peak: Int { max(current, before) }

  /// A connection is taken into use.
  public mutating func took(at now: Instant) {
    if now >= windowEnds { turnOver(at: now) }
    inUse += 1
    if inUse > current { current = inUse }
  }

  /// One that was in use is idle now, or closed.
  public mutating func gaveBack(at now: Instant) {
    precondition(inUse > 0, "gave back a connection that was not in use")
    if now >= windowEnds { turnOver(at: now) }
    inUse -= 1
  }

  /// Whether a connection that is in use may be kept beside `idle` others when it is given back: there are `least` at
  /// any time, and as many as were in use more than will be then. None where `least` is none.
  public func mayKeep(beside idle: Int, least: Int) -> Bool {
    least > 0 && idle < max(least, peak - inUse + 1)
  }

  private mutating func turnOver(at now: Instant) {
    // After a pause of a whole window nothing of the one before is left.
    before = now >= windowEnds + PoolDemand.window ? inUse : current
    current = inUse
    windowEnds = now + PoolDemand.window
  }
}
