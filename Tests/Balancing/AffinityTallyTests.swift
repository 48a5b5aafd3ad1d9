import Balancing
import Simulation
import Testing
import Wire

@Suite struct `Number of clients by server` {
  private let servers = (0..<4).map { ServerID(name: "view0\($0)") }

  @Test func `the tally equals a count of the whole table after any operations`() {
    let seed: UInt64 = 20_261_127
    var random = SeededGenerator(seed: seed)
    var table = AffinityTable(capacity: 30, hold: .minutes(90), hash: ClientHash(seed: 1, 2))
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var open: [AffinityTable.Session] = []
    for step in 0..<20_000 {
      let client = ClientKey(IPAddress(v4: UInt32(random.next() % 50)))
      let server = servers[Int(random.next() % 4)]
      switch random.next() % 16 {
      case 0...4: open.append(table.sessionBegan(client, on: server, at: now))
      case 5...9 where !open.isEmpty:
        table.sessionEnded(open.remove(at: Int(random.next() % UInt64(open.count))), at: now)
      case 10: table.assign(client, to: server, at: now)
      case 12: now = now + .minutes(random.next() % 30)
      case 13: table.forgetOver(at: now, limit: 2)
      case 14 where random.next() % 50 == 0: table.resize(to: 10 + Int(random.next() % 30))
      default: _ = table.lookup(client, at: now)
      }
      let counted = servers.reduce(AffinityCount()) { $0 + table.tally[$1] }
      #expect(counted.clients == table.count, "seed \(seed), step \(step)")
      #expect(table.tally.lines.allSatisfy { $0.count.clients > 0 }, "seed \(seed), step \(step)")
      guard step % 100 == 0 else { continue }
      // Before any hold time ends, each client has a record.
      let hold = table.hold
      table.hold = .hours(1_000_000)
      let records = table.records(in: 0..<table.slotCount, at: now)
      table.hold = hold
      for server in servers {
        #expect(table.tally[server].clients == records.count { $0.server == server }, "seed \(seed), step \(step)")
        #expect(0...table.tally[server].clients ~= table.tally[server].sessions, "seed \(seed), step \(step)")
      }
    }
    for session in open { table.sessionEnded(session, at: now) }
    #expect(servers.map { table.tally[$0].sessions } == [0, 0, 0, 0], "seed \(seed)")
  }

  @Test func `a session counts once for a client with many, and not for the server that the client was moved to`() {
    var table = AffinityTable(capacity: 30, hold: .minutes(90), hash: ClientHash(seed: 1, 2))
    let start = Instant(nanoseconds: 1_000_000_000_000)
    let client = ClientKey(IPAddress(v4: 1))
    let first = table.sessionBegan(client, on: servers[0], at: start)
    let second = table.sessionBegan(client, on: servers[0], at: start)
    #expect(table.tally[servers[0]] == AffinityCount(clients: 1, sessions: 1))
    table.sessionEnded(first, at: start)
    table.assign(client, to: servers[1], at: start)
    #expect(table.tally[servers[0]] == AffinityCount())
    #expect(table.tally[servers[1]] == AffinityCount(clients: 1, sessions: 0))
    table.sessionEnded(second, at: start)
    #expect(table.tally[servers[1]] == AffinityCount(clients: 1, sessions: 0))
  }

  @Test func `clients past their hold time are forgotten, the longest silent first, up to the limit of a call`() {
    var table = AffinityTable(capacity: 30, hold: .minutes(90), hash: ClientHash(seed: 1, 2))
    let start = Instant(nanoseconds: 1_000_000_000_000)
    for number in 0..<5 as Range<UInt32> {
      table.assign(ClientKey(IPAddress(v4: number)), to: servers[0], at: start + .minutes(UInt64(number)))
    }
    let now = start + .minutes(93)
    table.forgetOver(at: now, limit: 2)
    #expect(table.tally[servers[0]].clients == 3)
    table.forgetOver(at: now, limit: 100)
    #expect(table.tally[servers[0]].clients == 1)
    #expect(table.lookup(ClientKey(IPAddress(v4: 4)), at: now) == servers[0])
  }
}
