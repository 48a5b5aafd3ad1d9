import Testing
import Wire

@Suite struct `Rate limit of log lines` {
  @Test func `a line is written once an interval for each topic, with the number of those suppressed`() {
    var limiter = LogRateLimiter<String>(every: .minutes(1))
    let lines: [(topic: String, milliseconds: UInt64)] = [
      ("sending", 0), ("sending", 1), ("sending", 59_999), ("receiving", 59_999), ("sending", 60_000),
      ("sending", 119_999), ("sending", 120_000), ("sending", 180_000),
    ]
    let withheld = lines.map { line in
      limiter.take(line.topic, at: Instant(nanoseconds: (1_000_000 + line.milliseconds) * 1_000_000))
    }
    #expect(withheld == [0, nil, nil, 0, 2, nil, 1, 0])
  }
}
