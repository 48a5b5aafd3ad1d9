/// Limits repeated log lines: one for each topic and interval is written, and the others are counted.
public struct LogRateLimiter<Topic: Hashable & Sendable>: Sendable {
  private let interval: Interval
  private var topics: [Topic: (next: Instant, withheld: UInt64)] = [:]

  public init(every interval: Interval) { self.interval = interval }

  /// The number of lines suppressed since the topic's last one, if another may be written now; it then counts as
  /// written. Nil when this line is suppressed too.
  public mutating func take(_ topic: Topic, at now: Instant) -> UInt64? {
    let (next, withheld) = topics[topic] ?? (now, 0)
    topics[topic] = now < next ? (next, withheld + 1) : (now + interval, 0)
    return now < next ? nil : withheld
  }
}
