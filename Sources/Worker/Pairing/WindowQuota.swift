import Wire

/// So many of something in each window of 8 ms, so that no peer can take a processor from the loops.
struct WindowQuota {
  static let window = Interval.milliseconds(8)

  private let limit: Int
  private(set) var remaining: Int
  /// When there will be as many as the limit again.
  private(set) var windowEnd = Instant(nanoseconds: 0)

  init(_ limit: Int) {
    self.limit = limit
    remaining = limit
  }

  /// Begins the next window if the last one is over; whether anything remains.
  mutating func refill(at now: Instant) -> Bool {
    if now >= windowEnd { (remaining, windowEnd) = (limit, now + Self.window) }
    return remaining > 0
  }

  /// At most as many as remain.
  mutating func take(_ count: Int) { remaining -= count }

  /// Nothing more for the time of a window.
  mutating func close(at now: Instant) { (remaining, windowEnd) = (0, now + Self.window) }
}
