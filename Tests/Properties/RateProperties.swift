import Balancing
import Wire

/// Properties of the table of rates for any clients, at any times and with reloads between, compared with an exact token
/// bucket for each client.
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

  private struct Settings {
    let rate: Rate
    let cost: UInt64
    let burst: UInt64

    /// From four bytes; nil: they are no rate.
    init?(_ bytes: ArraySlice<UInt8>) {
      guard let period = Rate.Period.allCases.dropFirst(Int(bytes[bytes.startIndex]) % 3).first else { return nil }
      let numbers = bytes.dropFirst().map(Int.init)
      let (count, burst) = (numbers[0] * numbers[1] + 1, numbers[2] + 1)
      guard let rate = Rate(count, per: period, burst: burst) else { return nil }
      let length: UInt64 = [1_000_000_000, 60_000_000_000, 3_600_000_000_000][Int(bytes[bytes.startIndex]) % 3]
      (self.rate, cost, self.burst) = (rate, length / UInt64(count), UInt64(burst))
    }
  }

  private static let hash = ClientHash(seed: 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)

  /// The first five bytes are the rate and the table's size. Each further pair is a client and the time since the last
  /// event, or after 0xff a step back in time, and after 0xfe and four bytes more another rate, as by a reload.
  package static func check(_ input: [UInt8]) throws(Violation) {
    guard input.count > 5, var settings = Settings(input[0..<4]) else { return }
    let capacity = Int(input[4] % 4) * 8 + 8
    var table = RateTable(capacity: capacity)
    var buckets: [UInt64: Bucket] = [:]
    // Once a set was full, clients may have debts of others, and a rate before a reload leaves debts that the buckets
    // don't know: then only what follows from any debts is required.
    var (now, areExact) = (UInt64(1) << 50, true)
    // What all clients together may have: each place its burst at first and after each reload, and its rate.
    var (allowed, most, since, latest) = (UInt64(0), UInt64(capacity) * settings.burst, now, now)
    var rest = input[5...]
    while rest.count >= 2 {
      let (first, second) = (rest.removeFirst(), rest.removeFirst())
      if first == 0xff {
        // A loop whose turn began earlier, by less than a second.
        now -= min(UInt64(second) * 3_000_000, now - since)
        areExact = false
        continue
      }
      if first == 0xfe, rest.count >= 4, let next = Settings(rest.prefix(4)) {
        rest = rest.dropFirst(4)
        most += UInt64(capacity) * ((latest - since) / settings.cost + 1 + next.burst)
        (settings, since, areExact) = (next, now, false)
        continue
      }
      now += UInt64(second) * UInt64(second) * (settings.cost / 64 + 1)
      latest = max(latest, now)
      let client = self.client(first, host: second)
      let size = settings.cost * settings.burst
      var bucket = buckets[client] ?? Bucket(level: size, filled: now)
      let expected = areExact && bucket.take(cost: settings.cost, size: size, at: now)
      buckets[client] = bucket
      areExact = areExact && buckets.count <= 8
      let instant = Instant(nanoseconds: now)
      let decision = table.take(client, settings.rate, at: instant)
      if decision == .allowed { allowed += 1 }
      if areExact { try require((decision == .allowed) == expected, "\(decision) with \(bucket.level) of \(size)") }
      guard case .refused(let wait) = decision else { continue }
      let longest = settings.cost + (areExact ? 0 : 1_000_000_000)
      try require(1...longest ~= wait.nanoseconds, "a wait of \(wait.nanoseconds) for \(settings.cost)")
      let early = wait.nanoseconds > 1 ? Interval(nanoseconds: wait.nanoseconds - 1) : .zero
      try require(table.take(client, settings.rate, at: instant + early) != .allowed, "allowed before its wait")
    }
    most += UInt64(capacity) * ((latest - since) / settings.cost + 1)
    try require(allowed <= most, "\(allowed) events of at most \(most)")
  }

  /// By its number an IPv4 address, or an address in an IPv6 network of 64 bits, whatever its last octets are.
  private static func client(_ number: UInt8, host: UInt8) -> UInt64 {
    guard number & 1 == 1 else { return hash(ClientKey(IPAddress(v4: 0xc000_0200 + UInt32(number)))) }
    return hash(ClientKey(IPAddress(v6High: 0x2001_0db8_0000_0000 + UInt64(number), low: UInt64(host) + 1)))
  }
}
