import VRRP
import Wire

/// Limits lines of the log that may come again and again to one a minute for each topic.
struct LogRateLimiter {
  enum Topic: Hashable {
    case rejection(AdvertisementRejection.Kind)
    case receiving, sending, address, addresses, foreign, secondaries, interface, peers, echo
    /// The one of a track.
    case script(Int)
  }

  private static let interval = Interval.minutes(1)
  private var times: [Topic: Instant] = [:]

  /// Whether a line may be written now; then it counts as written.
  mutating func isDue(_ topic: Topic, at now: Instant) -> Bool {
    if let last = times[topic], now - last < Self.interval { return false }
    times[topic] = now
    return true
  }
}
