import Testing
import Wire

@testable import Balancing

@Suite struct `Demand for connections to a server` {
  private let start = Instant(nanoseconds: 5_000_000_000)

  @Test func `as many connections may be idle as were in use at once`() {
    var demand = PoolDemand(at: start)
    for _ in 0..<75 { demand.took(at: start) }
    for idle in 0..<75 {
      #expect(demand.mayKeep(beside: idle, least: 32))
      #expect(demand.mayKeep(beside: idle + 1, least: 32) == (idle < 31))
      demand.gaveBack(at: start)
    }
    #expect(demand.inUse == 0 && demand.peak == 75)
  }

  @Test func `a peak is forgotten after one to two windows`() {
    var demand = PoolDemand(at: start)
    for _ in 0..<10 { demand.took(at: start) }
    for _ in 0..<10 { demand.gaveBack(at: start) }
    let next = start + PoolDemand.window
    demand.took(at: next)
    demand.gaveBack(at: next)
    #expect(demand.peak == 10)
    let later = next + PoolDemand.window
    demand.took(at: later)
    #expect(demand.peak == 1)
  }

  @Test func `after a long pause the peak is the number in use`() {
    var demand = PoolDemand(at: start)
    for _ in 0..<10 { demand.took(at: start) }
    for _ in 0..<7 { demand.gaveBack(at: start) }
    let later = start + .hours(1)
    demand.took(at: later)
    #expect(demand.inUse == 4 && demand.peak == 4)
  }

  @Test func `no connection is kept if the limit is zero`() {
    var demand = PoolDemand(at: start)
    demand.took(at: start)
    #expect(!demand.mayKeep(beside: 0, least: 0))
    #expect(demand.mayKeep(beside: 0, least: 1))
  }
}
