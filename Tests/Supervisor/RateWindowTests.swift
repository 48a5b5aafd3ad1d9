import Control
import WorkerProtocol
import Testing
import Wire

@testable import Supervisor

private func load(_ accepted: UInt64, _ requests: UInt64) -> Load {
  Load(connections: 0, exchanges: 0, requests: requests, accepted: accepted)
}

@Suite struct `Rates over the last ten seconds` {
  private let start = Instant(nanoseconds: 1_000_000_000_000)

  @Test func `there is no rate before enough time has passed`() {
    var window = RateWindow()
    #expect(window.rates == nil)
    window.note(load(5, 5), at: start)
    #expect(window.rates == nil)
    window.note(load(6, 6), at: start + .milliseconds(100))
    #expect(window.rates == nil)
    window.note(load(8, 25), at: start + .seconds(2))
    #expect(window.rates == .init(connections: 1.5, requests: 10))
  }

  @Test func `older samples do not count`() {
    var window = RateWindow()
    for second in 0..<100 as Range<UInt64> { window.note(load(second * 1000, 0), at: start + .seconds(second)) }
    #expect(window.rates == .init(connections: 1000, requests: 0))
    for second in 100..<110 as Range<UInt64> { window.note(load(99_000, 0), at: start + .seconds(second)) }
    #expect(window.rates == .init(connections: 0, requests: 0))
  }

  @Test func `a flood of loads takes few samples and does not change the rate`() {
    var window = RateWindow()
    var most = 0
    for step in 0..<300_000 as Range<UInt64> {
      window.note(load(step, 2 * step), at: start + Interval(nanoseconds: step * 100_000))
      most = max(most, window.sampleCount)
    }
    #expect(most <= RateWindow.sampleLimit)
    let rates = window.rates
    #expect(rates.map { abs($0.connections - 10_000) < 20 } == true)
    #expect(rates.map { abs($0.requests - 20_000) < 40 } == true)
  }
}
