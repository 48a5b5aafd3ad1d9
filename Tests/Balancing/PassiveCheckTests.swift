import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct PassiveCheckTests {
  let start = Instant(nanoseconds: 1_000_000_000_000)

  private func client(_ number: Int) -> ClientKey { ClientKey(IPAddress(v4: UInt32(number))) }

  /// Requests as time in milliseconds, client number and failure. Returns the times at which the server was suspected.
  private func suspected(_ requests: [(UInt64, Int, Bool)]) -> [UInt64] {
    var check = PassiveCheck()
    var suspected: [UInt64] = []
    for (milliseconds, number, fails) in requests.sorted(by: { $0.0 < $1.0 }) {
      let now = start + .milliseconds(milliseconds)
      if !fails {
        check.answered(client(number), at: now)
      } else if check.failed(client(number), at: now) != nil {
        suspected.append(milliseconds)
      }
    }
    return suspected
  }

  @Test func `a server is suspected after the delay if every client meets failures only`() {
    #expect(suspected((0..<12).map { (UInt64($0) * 1_000, $0, true) }).first == 5_000)
    #expect(suspected((0..<3).map { (UInt64($0) * 10_000, $0, true) }).isEmpty, "three are too few")
    #expect(suspected((0..<12).map { (UInt64($0) * 11_000, $0, true) }).isEmpty, "too few within the window")
  }

  @Test func `a server is suspected if more than half of its clients fail`() {
    let failures = (0..<6).map { (UInt64($0) * 1_100, $0, true) }
    let answers = (6..<12).map { (UInt64($0), $0, false) }
    #expect(suspected(failures + answers).isEmpty)
    #expect(suspected(failures + answers.dropFirst()) == [5_500])
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a single client whose requests fail causes no suspicion, alone or among others`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let failures = (0..<3_000).map { (UInt64($0) * 20, 0, true) }
    #expect(suspected(failures).isEmpty)
    let answers = (0..<20).map { (UInt64.random(in: 0..<60_000, using: &random), 1 + $0, false) }
    #expect(suspected(failures + answers).isEmpty, "seed \(seed)")
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a page that always fails causes no suspicion while other requests succeed`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var requests: [(UInt64, Int, Bool)] = []
    for client in 0..<200 {
      let came = UInt64.random(in: 0..<120_000, using: &random)
      // The page among ten others within two seconds.
      for number in 0..<11 as Range<UInt64> { requests.append((came + number * 200, client, number == 5)) }
    }
    #expect(suspected(requests).isEmpty, "seed \(seed)")
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a momentary failure of every client's requests causes no suspicion`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var requests: [(UInt64, Int, Bool)] = []
    for client in 0..<100 {
      for _ in 0..<3 { requests.append((UInt64.random(in: 10_000..<11_000, using: &random), client, true)) }
      requests.append((UInt64.random(in: 11_000..<14_000, using: &random), client, false))
      let fails = Int.random(in: 0..<10, using: &random) == 0
      requests.append((UInt64.random(in: 14_000..<60_000, using: &random), client, fails))
    }
    #expect(suspected(requests).isEmpty, "seed \(seed)")
  }

  /// A new client every second at a server that stops answering; each times out after a minute.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a server that hangs is suspected soon after the first clients time out`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let hung = UInt64.random(in: 60_000..<120_000, using: &random)
    let requests = (0..<300).map { number in
      let came = UInt64(number) * 1_000
      return (came < hung ? came + 20 : came + 60_000, number, came >= hung)
    }
    let first = try #require(suspected(requests).first)
    #expect(first >= hung + 60_000 && first <= hung + 75_000, "seed \(seed)")
  }

  @Test func `the number of clients tracked is bounded`() {
    var check = PassiveCheck()
    for number in 0..<10_000 {
      if number % 2 == 0 { _ = check.failed(client(number), at: start) }
      if number % 2 == 1 { check.answered(client(number), at: start) }
    }
    let finding = check.failed(client(0), at: start + PassiveCheck.delay)
    #expect(finding == nil && check.isWatching, "half of them is not more than half")
    for number in 0..<10_000 { _ = check.failed(client(20_000 + number), at: start + .seconds(4)) }
    check.answered(client(0), at: start + PassiveCheck.window + .seconds(1))
    #expect(!check.isWatching, "the window is over")
  }
}
