/// Limits log lines that may come again and again: one for each topic and interval, and the others are counted.
public struct LogRateLimiter<Topic: Hashable & Sendable>: Sendable {
  private let interval: Interval
  private var topics: [Topic: (next: Instant, withheld: UInt64)] = [:]

  public init(every interval: Interval) { self.interval = interval }

  /// How many lines were withheld since the topic's last one, when another may be written now, which then counts as
  /// written; nil when it is withheld too.
  public mutating func take(_ topic: Topic, at now: Instant) -> UInt64? {
    let (next, withheld) = topics[topic] ?? (now, 0)
    topics[topic] = now < next ? (next, withheld + 1) : (now + interval, 0)
    return now < next ? nil : withheld
  }
}
