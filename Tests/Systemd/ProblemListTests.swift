import Domain
import Testing
import Wire

@testable import Systemd

private func entry(_ time: Int64, _ text: String, count: UInt64 = 1) -> Problem {
  Problem(time: WallTime(seconds: time), count: count, text: text)
}

@Suite struct `The list of problems` {
  @Test func `a repeated problem is counted, and becomes the latest`() {
    var list = ProblemList()
    list.add(entry(1, "full"))
    list.add(entry(2, "down"))
    list.add(entry(3, "full", count: 5))
    #expect(list.entries == [entry(2, "down"), entry(3, "full", count: 6)])
    list.add(entry(4, "full", count: .max))
    #expect(list.entries.last == entry(4, "full", count: .max))
  }

  @Test func `the oldest problem is evicted`() {
    var list = ProblemList()
    for time in 0..<100 as Range<Int64> { list.add(entry(time, "\(time)")) }
    #expect(list.entries.map(\.time.seconds) == Array(84..<100))
  }

  @Test func `problems are returned once`() {
    var list = ProblemList()
    list.add(entry(1, "full"))
    #expect(list.takeAll() == [entry(1, "full")])
    #expect(list.takeAll().isEmpty)
  }
}
