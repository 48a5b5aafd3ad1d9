import VRRP
import Wire

/// Keeps what goes on and on from filling the log: each topic is said once a minute at most.
struct SaidLately {
  enum Topic: Hashable {
    case rejection(AdvertisementRejection.Kind)
    case receiving, sending, address, addresses, foreign, secondaries, interface, peers, echo
    /// The one of a track.
    case script(Int)
  }

  private static let silence = Interval.minutes(1)
  private var times: [Topic: Instant] = [:]

  /// Whether it may be said now; then it has been.
  mutating func isDue(_ topic: Topic, at now: Instant) -> Bool {
    if let last = times[topic], now - last < Self.silence { return false }
    times[topic] = now
    return true
  }
}

/// How well timers are kept: an advertisement that leaves late may cost the addresses.
struct Lateness {
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
