import Balancing
import Testing
import Wire

@testable import Worker

@Suite struct `What clients have used of their rates` {
  /// The clients of 40,000 addresses that find their places taken by others in debt, in the rates of a new start.
  private func displaced() throws -> [Int] {
    let rates = try ClientRates()
    let rate = try #require(Rate(1, per: .hour, burst: 1))
    let now = Instant(nanoseconds: 5_000_000_000)
    return (0..<40_000).filter { number in
      rates.take(.requests, of: ClientKey(IPAddress(v4: UInt32(number))), rate, at: now) != .allowed
    }
  }

  @Test func `has a key of its own at each start, so that no client knows which addresses meet`() throws {
    let (one, other) = (try displaced(), try displaced())
    #expect(!one.isEmpty && !other.isEmpty)
    #expect(Set(one).intersection(other).count < min(one.count, other.count) / 2)
  }
}
