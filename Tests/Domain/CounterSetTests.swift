import Testing
import Wire

@testable import Domain

/// A value of this type whose counters are 1, 2, 3 and so on.
private func numbered<Counts: CounterSet>(_: Counts.Type) -> Counts {
  Counts(values: (1...UInt64(Counts().values.count)).map { $0 })
}

private func checkList<Counts: CounterSet>(_ type: Counts.Type, count: Int) {
  let counts = numbered(type)
  #expect(counts.values == (1...UInt64(count)).map { $0 }, "\(type)")
  #expect(Counts(values: counts.values) == counts)
  #expect(Counts(values: []) == Counts())
  // A counter that is stored and not listed would be described, and be zero.
  let zeros = "\(counts)".matches(of: /: 0[,)]/)
  #expect(zeros.isEmpty, "\(counts)")
}

@Suite struct `Sets of counters` {
  @Test func `each counter is listed once`() {
    checkList(TrafficCounts.self, count: 22)
    checkList(ServerCounts.self, count: 22 + 4 + 3 * 19)
    checkList(ServiceCounts.self, count: 26)
    checkList(WorkerCounts.self, count: 13 + 9 + 2 + 2)
    checkList(LoopCounts.self, count: 2)
  }

  @Test func `sums saturate`() {
    var sum = LoopCounts(values: [5, .max - 1])
    sum.add(LoopCounts(values: [7, 1]))
    #expect(sum == LoopCounts(values: [12, .max]))
    sum.add(LoopCounts(values: [.max, .max]))
    #expect(sum == LoopCounts(values: [.max, .max]))
  }

  @Test func `a counter that is reported as smaller than before keeps its value`() {
    var counts = LoopCounts(values: [5, 9])
    counts.grow(to: LoopCounts(values: [6, 8]))
    #expect(counts == LoopCounts(values: [6, 9]))
  }

  @Test(
    arguments: [
      (101, [1, 0, 0, 0, 0, 0]), (200, [0, 1, 0, 0, 0, 0]), (299, [0, 1, 0, 0, 0, 0]), (304, [0, 0, 1, 0, 0, 0]),
      (404, [0, 0, 0, 1, 0, 0]), (503, [0, 0, 0, 0, 1, 0]), (0, [0, 0, 0, 0, 0, 0]), (600, [0, 0, 0, 0, 0, 0]),
    ] as [(UInt16, [UInt64])])
  func `responses count by the class of their status`(status: UInt16, values: [UInt64]) {
    var responses = ResponseCounts()
    responses.count(status)
    #expect(responses.values == values)
  }
}
