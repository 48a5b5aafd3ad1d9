import Testing
import Wire

@testable import Supervisor

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: (1_000_000 + seconds) * 1_000_000_000) }

@Suite struct `The event budget of a worker` {
  @Test func `exceeds what a worker sends, and is bounded`() {
    var budget = EventBudget(servers: 4, at: at(0))
    let rate = budget.rate
    // The most that a worker sends in a second, for an hour: every load, every change, every problem.
    for second in 1...3600 as ClosedRange<UInt64> {
      for _ in 0..<(1 + 4 + 4 * 8 + 16) as Range<Int> {
        let isTaken = budget.spend(at: at(second))
        #expect(isTaken)
      }
    }
    var taken: UInt64 = 0
    while budget.spend(at: at(3600)) { taken += 1 }
    #expect(taken <= rate * 16)
    let again = (0..<(2 * rate)).count { _ in budget.spend(at: at(3601)) }
    #expect(again == Int(rate))
  }

  @Test func `is not accumulated without bound, even if the clock stands still or jumps`() {
    var budget = EventBudget(servers: 0, at: at(100))
    var taken: UInt64 = 0
    while budget.spend(at: at(50)) { taken += 1 }
    #expect(taken == budget.most)
    taken = 0
    while budget.spend(at: .distantFuture) { taken += 1 }
    #expect(taken == budget.most)
  }

  @Test func `depends on the number of servers`() {
    var budget = EventBudget(servers: 64, at: at(0))
    let before = budget.rate
    budget.adopt(servers: 1)
    #expect(budget.rate < before)
    var taken: UInt64 = 0
    while budget.spend(at: at(0)) { taken += 1 }
    #expect(taken == budget.most)
  }
}
