import Balancing
import Testing

@Suite struct CheckQueueTests {
  /// A queue of servers that are due in the order of their numbers.
  private func queue(of servers: Range<Int>, places: Int) -> CheckQueue<Int> {
    var queue = CheckQueue<Int>(places: places)
    for server in servers { queue.append(server) }
    return queue
  }

  /// Begins all checks that may begin; the servers' numbers.
  private func begin(_ queue: inout CheckQueue<Int>) -> [Int] {
    var begun: [Int] = []
    while let server = queue.next() {
      queue.begin()
      begun.append(server)
    }
    return begun
  }

  @Test func `checks begin in the order in which they are due, as many as there are places`() {
    var queue = queue(of: 0..<10, places: 4)
    #expect(queue.isReady && begin(&queue) == [0, 1, 2, 3])
    #expect(!queue.isReady && queue.next() == nil)
    queue.append(0)
    for _ in 0..<3 { queue.leave() }
    #expect(begin(&queue) == [4, 5, 6])
    for _ in 0..<4 { queue.leave() }
    #expect(begin(&queue) == [7, 8, 9, 0])
    for _ in 0..<4 { queue.leave() }
    #expect(!queue.isReady)
  }

  @Test func `a server that is not due any more takes no place`() {
    var queue = queue(of: 0..<3, places: 1)
    #expect(queue.next() == 0)
    #expect(begin(&queue) == [1])
  }

  /// The checks of a thousand servers that are due at once, on a machine that needs 10 ms for each and shares its time
  /// between those that run.
  private func outcome(places: Int) -> (passed: Int, timedOut: Int) {
    let (work, timeout, delay) = (10.0, 5_000, 500)
    var queue = queue(of: 0..<1_000, places: places)
    var running: [(began: Int, left: Double, hasPlace: Bool)] = []
    var outcome = (passed: 0, timedOut: 0)
    for now in 0..<15_000 {
      for _ in begin(&queue) { running.append((now, work, true)) }
      let share = 1 / Double(max(1, running.count))
      for index in running.indices {
        running[index].left -= share
        let isOver = running[index].left <= 0 || now - running[index].began >= timeout
        guard running[index].hasPlace, isOver || now - running[index].began >= delay else { continue }
        running[index].hasPlace = false
        queue.leave()
      }
      outcome.passed += running.count { $0.left <= 0 }
      outcome.timedOut += running.count { $0.left > 0 && now - $0.began >= timeout }
      running.removeAll { $0.left <= 0 || now - $0.began >= timeout }
    }
    return outcome
  }

  @Test func `a thousand checks that are due at once do not time out together`() {
    #expect(outcome(places: 64) == (1_000, 0))
    #expect(outcome(places: 1_000) == (0, 1_000), "as they would if all began at once")
  }
}
