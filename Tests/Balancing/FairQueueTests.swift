import Balancing
import Simulation
import Testing
import Wire

@Suite struct FairQueueTests {
  @Test func `requests of one client are served in order`() {
    var queue = FairQueue<Int>()
    for token in 1...4 { queue.append(token, of: client(1)) }
    #expect(drain(&queue) == [1, 2, 3, 4])
  }

  @Test func `clients take turns`() {
    var queue = FairQueue<Int>()
    for token in 1...3 { queue.append(token, of: client(1)) }
    queue.append(10, of: client(2))
    queue.append(20, of: client(3))
    queue.append(11, of: client(2))
    #expect(drain(&queue) == [1, 10, 20, 2, 11, 3])
  }

  @Test func `ten thousand requests of one client delay another client by one turn`() {
    var queue = FairQueue<Int>()
    for token in 0..<10_000 { queue.append(token, of: client(1)) }
    let first = queue.next()
    #expect(first == 0)
    queue.append(-1, of: client(2))
    let second = queue.next()
    #expect(second == 1)
    let third = queue.next()
    #expect(third == -1)
    let count = queue.count
    #expect(count == 9_998)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `the queue agrees with a ring of lists by client`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var queue = FairQueue<Int>()
    var lanes: [(client: Int, tokens: [Int])] = []
    for token in 0..<20_000 {
      if Int.random(in: 0..<5, using: &random) < 3 {
        let who = Int.random(in: 0..<7, using: &random)
        queue.append(token, of: client(who))
        if let lane = lanes.firstIndex(where: { $0.client == who }) {
          lanes[lane].tokens.append(token)
        } else {
          lanes.append((who, [token]))
        }
      } else {
        var expected: Int?
        if !lanes.isEmpty {
          var lane = lanes.removeFirst()
          expected = lane.tokens.removeFirst()
          if !lane.tokens.isEmpty { lanes.append(lane) }
        }
        let next = queue.next()
        #expect(next == expected, "seed \(seed)")
      }
    }
    let count = queue.count
    #expect(count == lanes.reduce(0) { $0 + $1.tokens.count }, "seed \(seed)")
  }

  private func drain(_ queue: inout FairQueue<Int>) -> [Int] {
    var tokens: [Int] = []
    while let token = queue.next() { tokens.append(token) }
    let isEmpty = queue.isEmpty
    #expect(isEmpty)
    return tokens
  }

  private func client(_ number: Int) -> ClientKey { ClientKey(IPAddress(v4: UInt32(number))) }
}
