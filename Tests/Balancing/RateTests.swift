import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct `A rate` {
  let start = Instant(nanoseconds: 5_000_000_000)

  /// The number of events that are allowed of `count` at one time.
  private func allowed(_ count: Int, _ rate: Rate, _ paid: inout Instant, at now: Instant) -> Int {
    (0..<count).count { _ in rate.decide(&paid, at: now) == .allowed }
  }

  @Test func `allows its burst at once, then one event for each interval`() throws {
    let rate = try #require(Rate(10, per: .second, burst: 25))
    var paid = Instant(nanoseconds: 0)
    #expect(allowed(100, rate, &paid, at: start) == 25)
    #expect(rate.decide(&paid, at: start) == .refused(wait: .milliseconds(100)))
    #expect(rate.decide(&paid, at: start + .milliseconds(99)) == .refused(wait: .milliseconds(1)))
    #expect(allowed(5, rate, &paid, at: start + .milliseconds(100)) == 1)
    #expect(allowed(100, rate, &paid, at: start + .milliseconds(1100)) == 10)
    #expect(allowed(100, rate, &paid, at: start + .seconds(60)) == 25)
  }

  @Test func `is no lower for a client that goes on asking`() throws {
    let rate = try #require(Rate(10, per: .second, burst: 5))
    var paid = Instant(nanoseconds: 0)
    let sum = (0..<10_000).reduce(0) { sum, step in
      sum + allowed(1, rate, &paid, at: start + .milliseconds(UInt64(step)))
    }
    #expect(sum == 5 + 99)
  }

  @Test(
    arguments: [
      (1, Rate.Period.second, 10), (100, .second, 1000), (1_000_000, .second, 10_000_000),
      (20, .minute, 20), (600, .minute, 600), (1, .hour, 1), (3600, .hour, 3600),
    ])
  func `has a burst of ten seconds, or of its period if that is longer`(count: Int, period: Rate.Period, burst: Int) {
    #expect(Rate(count, per: period)?.burst == burst)
  }

  @Test(
    arguments: [
      (0, Rate.Period.second, 1), (1_000_001, .second, 1), (1, .second, 0), (1, .second, -1), (-1, .hour, 1),
      (1, .second, 86_401), (1, .hour, 25), (1_000_000, .second, Int.max), (.max, .hour, .max),
    ])
  func `is refused out of its bounds`(count: Int, period: Rate.Period, burst: Int) {
    #expect(Rate(count, per: period, burst: burst) == nil)
  }

  @Test func `forgives a debt that comes from a lower rate before a reload`() throws {
    let slow = try #require(Rate(1, per: .hour, burst: 20))
    let fast = try #require(Rate(10, per: .second, burst: 1))
    var paid = Instant(nanoseconds: 0)
    #expect(allowed(100, slow, &paid, at: start) == 20)
    #expect(fast.decide(&paid, at: start) == .refused(wait: .milliseconds(100)))
    #expect(fast.decide(&paid, at: start + .milliseconds(100)) == .allowed)
    paid = .distantFuture
    #expect(fast.decide(&paid, at: start) == .refused(wait: .milliseconds(100)))
    #expect(fast.decide(&paid, at: start + .milliseconds(99)) == .refused(wait: .milliseconds(1)))
    #expect(fast.decide(&paid, at: start + .milliseconds(100)) == .allowed)
  }

  @Test func `holds at the last time, and at one before another loop's`() throws {
    let rate = try #require(Rate(1, per: .hour, burst: 24))
    var paid = Instant(nanoseconds: 0)
    #expect(allowed(100, rate, &paid, at: Instant(nanoseconds: .max - 1)) >= 1)
    paid = start + .minutes(1)
    #expect(rate.decide(&paid, at: start) == .allowed)
    #expect(paid == start + .minutes(61))
  }

  @Test func `gives nothing for a loop whose turn began earlier than another's`() throws {
    let rate = try #require(Rate(1000, per: .second, burst: 10))
    var paid = Instant(nanoseconds: 0)
    var sum = allowed(100, rate, &paid, at: start)
    for step in 1...1000 as ClosedRange<UInt64> {
      // Half a millisecond passes in each step, and one loop is three milliseconds behind the other.
      sum += allowed(5, rate, &paid, at: start + .microseconds(500 * step))
      sum += allowed(5, rate, &paid, at: Instant(nanoseconds: start.nanoseconds - 3_000_000 + 500_000 * step))
    }
    #expect(sum == 10 + 500)
  }

  @Test func `is written as in the configuration`() throws {
    #expect(try #require(Rate(20, per: .minute, burst: 100)).description == "20/m burst 100")
  }
}

@Suite struct `A table of rates` {
  let start = Instant(nanoseconds: 5_000_000_000)
  let hash = ClientHash(seed: 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)

  private func client(_ number: Int) -> UInt64 { hash(ClientKey(IPAddress(v4: UInt32(number)))) }

  @Test func `counts each client by itself`() throws {
    let rate = try #require(Rate(1, per: .minute, burst: 3))
    var table = RateTable(capacity: 4096)
    for number in 0..<200 {
      let allowed = (0..<10).count { _ in table.take(client(number), rate, at: start) == .allowed }
      #expect(allowed == 3, "client \(number)")
    }
  }

  @Test func `does not free one who is at the limit by any number of other addresses`() throws {
    let rate = try #require(Rate(1, per: .second, burst: 10))
    var table = RateTable(capacity: 64)
    let attacker = client(0)
    var allowed = (0..<100).count { _ in table.take(attacker, rate, at: start) == .allowed }
    #expect(allowed == 10)
    for number in 1..<20_000 {
      _ = table.take(client(number), rate, at: start)
      if table.take(attacker, rate, at: start) == .allowed { allowed += 1 }
    }
    #expect(allowed == 10)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func `allows any number of addresses no more than its capacity of clients may have`(seed: UInt64) throws {
    let rate = try #require(Rate(5, per: .second, burst: 20))
    var generator = SeededGenerator(seed: seed)
    var table = RateTable(capacity: 64)
    var (now, allowed) = (start, 0)
    for _ in 0..<Scale.count(100_000) {
      now = now + .microseconds(UInt64.random(in: 0...100, using: &generator))
      let number = Int.random(in: 0..<1_000_000, using: &generator)
      if table.take(client(number), rate, at: now) == .allowed { allowed += 1 }
    }
    let seconds = Int((now - start).milliseconds / 1000) + 1
    #expect(allowed <= 64 * (20 + 5 * seconds), "seed \(seed)")
  }

  @Test func `lets a client pass while others flood, as long as it has room for them`() throws {
    let rate = try #require(Rate(10, per: .second, burst: 50))
    var table = RateTable(capacity: 65_536)
    var refused = 0
    for round in 0..<100 {
      let now = start + .milliseconds(UInt64(round) * 100)
      // 20,000 new addresses a second, and each costs a tenth of a second.
      for number in 0..<2000 { _ = table.take(client(1000 + round * 2000 + number), rate, at: now) }
      for number in 0..<20 where table.take(client(number), rate, at: now) != .allowed { refused += 1 }
    }
    #expect(refused == 0)
  }
}

@Suite struct `Rules for rates` {
  private func rules(_ exceptions: [String]) throws -> RateRules {
    RateRules(
      connections: Rate(1, per: .second), handshakes: nil, requests: Rate(2, per: .minute),
      exceptions: try exceptions.map { try IPPrefix(parsing: $0) }, isTrial: false)
  }

  @Test func `have a rate for each subject or none, and none for exceptions`() throws {
    let (inside, outside) = (try IPAddress(parsing: "10.1.2.3"), try IPAddress(parsing: "2001:db8::1"))
    let all = try rules([])
    let some = try rules(["10.0.0.0/8", "fd00::/8"])
    for client in [inside, outside] {
      #expect(all.rate(of: .connections, for: client) == Rate(1, per: .second))
      #expect(all.rate(of: .handshakes, for: client) == nil)
      #expect(all.rate(of: .requests, for: client) == Rate(2, per: .minute))
    }
    #expect(some.rate(of: .connections, for: inside) == nil && some.rate(of: .requests, for: inside) == nil)
    #expect(some.rate(of: .connections, for: outside) == Rate(1, per: .second))
  }
}
