import Balancing
import Simulation
import Testing
import Wire

@Suite struct `A tally of clients above a rate` {
  private func address(_ number: Int) -> IPAddress { IPAddress(v4: 0xc000_0200 + UInt32(number)) }

  @Test func `names clients by how often they were above it`() {
    var tally = ExcessTally()
    #expect(tally.isEmpty)
    for number in [1, 2, 2, 3, 3, 3] { tally.note(address(number)) }
    let (clients, others) = tally.take()
    #expect(clients.map(\.address) == [address(3), address(2), address(1)])
    #expect(clients.map(\.count) == [3, 2, 1] && others == 0)
    #expect(tally.isEmpty && tally.take().clients.isEmpty)
  }

  @Test func `counts the addresses of an IPv6 network of 64 bits as one client, by the first of them`() throws {
    var tally = ExcessTally()
    for text in ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"] { tally.note(try IPAddress(parsing: text)) }
    let clients = tally.take().clients
    #expect(clients.map { "\($0.address)" } == ["2001:db8::1", "2001:db8:0:1::1"])
    #expect(clients.map(\.count) == [2, 1])
  }

  @Test func `says at least of one who has lost its place and come back`() {
    var tally = ExcessTally()
    for _ in 0..<10 { tally.note(address(0)) }
    for number in 1...55 { tally.note(address(number)) }
    tally.note(address(0))
    let (clients, others) = tally.take()
    #expect(clients.contains { $0.address == address(0) && !$0.isExact })
    #expect(clients.reduce(others) { $0 + $1.count } == 66)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func `finds the one who asks most among any number of addresses`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var tally = ExcessTally()
    var (events, own) = (0, 0)
    for _ in 0..<10_000 {
      events += 1
      if Int.random(in: 0..<3, using: &generator) == 0 {
        own += 1
        tally.note(address(0))
      } else {
        tally.note(address(Int.random(in: 1..<5000, using: &generator)))
      }
    }
    let (clients, others) = tally.take()
    #expect(clients.count == ExcessTally.capacity)
    #expect(clients.first?.address == address(0))
    #expect(try #require(clients.first).count <= own)
    #expect(clients.reduce(others) { $0 + $1.count } == events)
  }
}
