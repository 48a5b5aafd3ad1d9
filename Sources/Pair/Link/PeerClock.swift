import Wire

/// Converts instants of another node's monotonic clock into ours, so that what waited on the way is not taken for new.
///
/// The least difference between our clock at a receipt and theirs at the sending belongs to the message that waited
/// least; later ones have waited as much longer as their difference is greater.
struct PeerClock: Sendable {
  /// The difference, modulo 2⁶⁴: the clocks have different origins.
  private var least: UInt64?
  private var last = Instant(nanoseconds: 0)

  /// When, by our clock, it was `clock` there, for a message received now: not later than now, and correct except for
  /// the shortest time on the way.
  mutating func local(_ clock: Instant, receivedAt now: Instant) -> Instant {
    let difference = now.nanoseconds &- clock.nanoseconds
    // One clock may be slower than the other, by up to a thousandth.
    let expected = (least ?? difference) &+ (now - last).nanoseconds / 1024
    let delay = least == nil ? 0 : Int64(bitPattern: difference &- expected)
    least = delay <= 0 ? difference : expected
    last = now
    return delay <= 0 ? now : now - Interval(nanoseconds: UInt64(delay))
  }
}
