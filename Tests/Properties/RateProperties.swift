import Balancing
import Wire

/// Properties of the table of rates for any clients at any times, compared with an exact token bucket for each client.
package enum RateProperties {
  /// A token bucket in nanoseconds: full at first, an event takes `cost`.
  private struct Bucket {
    var level: UInt64
    var filled: UInt64

    mutating func take(cost: UInt64, size: UInt64, at now: UInt64) -> Bool {
      level = min(size, level + min(size, now - filled))
      filled = now
      guard level >= cost else { return false }
      level -= cost
      return true
    }
  }

  /// The first five bytes are the rate and the table's size, each further pair a client and the time since the last event.
  package static func check(_ input: [UInt8]) throws(Violation) {
    guard input.count > 5 else { return }
    let periods = Rate.Period.allCases
    let period = periods[Int(input[0]) % periods.count]
    let (count, burst) = (Int(input[1]) * Int(input[2]) + 1, Int(input[3]) + 1)
    guard let rate = Rate(count, per: period, burst: burst) else { return }
    let length: UInt64 = [1_000_000_000, 60_000_000_000, 3_600_000_000_000][Int(input[0]) % periods.count]
    let (cost, size) = (length / UInt64(count), length / UInt64(count) * UInt64(burst))
    let capacity = Int(input[4] % 4) * 8 + 8
    var table = RateTable(capacity: capacity)
    var buckets: [UInt64: Bucket] = [:]
    // Once a set was full, clients may have debts of others, and only the sum is bounded.
    var (now, allowed, areApart) = (UInt64(1_000_000_000), UInt64(0), true)
    let start = now
    for index in stride(from: 5, to: input.count - 1, by: 2) {
      now += UInt64(input[index + 1]) * UInt64(input[index + 1]) * (cost / 64 + 1)
      // Hashes that the table takes for those of different clients, some of them in one set.
      let client = UInt64(input[index]) &* 0x9e37_79b9_7f4a_7c15 | 1
      var bucket = buckets[client] ?? Bucket(level: size, filled: now)
      let expected = bucket.take(cost: cost, size: size, at: now)
      buckets[client] = bucket
      areApart = areApart && buckets.count <= 8
      let decision = table.take(client, rate, at: Instant(nanoseconds: now))
      if decision == .allowed { allowed += 1 }
      if areApart { try require((decision == .allowed) == expected, "\(decision) with \(bucket.level) of \(size)") }
      if case .refused(let wait) = decision {
        try require(1...cost ~= wait.nanoseconds, "a wait of \(wait.nanoseconds) for an event of \(cost)")
        var copy = bucket
        let isThen = copy.take(cost: cost, size: size, at: now + wait.nanoseconds)
        if areApart { try require(isThen, "nothing after the wait") }
      }
    }
    let most = UInt64(capacity) * (UInt64(burst) + (now - start) / cost + 1)
    try require(allowed <= most, "\(allowed) events of at most \(most)")
  }
}
