import WorkerProtocol
import Testing
import Wire

@testable import Supervisor

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .milliseconds(milliseconds) }

@Suite struct `The heartbeat watch` {
  @Test func `a loop whose counter does not change within the bound is reported as stalled`() {
    var watch = HeartbeatWatch(turns: [1, 1], bound: .seconds(2), at: at(0))
    for step in 1..<4 { #expect(watch.observe([1 + UInt64(step), 1], at: at(UInt64(step) * 500)) == nil) }
    #expect(watch.observe([5, 1], at: at(2000)) == 1)
  }

  @Test func `a loop that turns in time is not stalled`() {
    var watch = HeartbeatWatch(turns: [0], bound: .seconds(2), at: at(0))
    for step in 1...100 as ClosedRange<UInt64> { #expect(watch.observe([step / 3], at: at(step * 500)) == nil) }
  }

  @Test func `a supervisor that was suspended does not blame the worker`() {
    var watch = HeartbeatWatch(turns: [7], bound: .seconds(2), at: at(0))
    #expect(watch.observe([7], at: at(60_000)) == nil)
    #expect(watch.observe([7], at: at(60_500)) == nil)
    #expect(watch.observe([7], at: at(61_000)) == 0)
  }
}
