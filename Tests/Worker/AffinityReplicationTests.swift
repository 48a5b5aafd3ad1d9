import Balancing
import Pair
import TLS
import Testing
import Wire

@testable import Configuration
@testable import Worker

@Suite struct `Replication of clients to other nodes` {
  private let now = Instant(nanoseconds: Interval.minutes(5).nanoseconds)
  private let servers = (1...3).map { ServerID(name: "view0\($0)") }
  private let settings = Configuration.Affinity()

  private func store() throws -> AffinityStore {
    let secrets = try PairSecrets(parsing: Array(String(repeating: "5a", count: 32).utf8).span)
    return try AffinityStore(settings, secrets, at: now, wall: WallTime(seconds: 0))
  }

  private func client(_ number: Int) -> ClientKey { ClientKey(IPAddress(v4: UInt32(number))) }

  private func copy(of store: AffinityStore, activeSince: Instant? = nil) -> [AssignmentBatch] {
    var batches: [AssignmentBatch] = []
    var position: UInt64? = 0
    while let place = position {
      #expect(place < 1 << 40)
      let (batch, next) = store.batch(service: 7, from: place, activeSince: activeSince, at: now)
      if let batch { batches.append(batch) }
      position = next
    }
    return batches
  }

  @Test func `a copy has every client once, and fills the table of the other node`() throws {
    let (one, other) = (try store(), try store())
    for number in 0..<20_000 { one.addresses.assign(client(number), to: servers[number % 2], at: now) }
    let batches = copy(of: one)
    #expect(batches.allSatisfy { $0.service == 7 && $0.table == .addresses })
    #expect(batches.allSatisfy { 1...AssignmentBatch.recordLimit ~= $0.records.count })
    #expect(batches.reduce(0) { $0 + $1.records.count } == 20_000)
    for batch in batches {
      other.merge(batch, from: .node(0), settings, servers: Set(servers), asOf: now, at: now)
    }
    #expect(other.count == 20_000)
    #expect((0..<20_000).allSatisfy { other.addresses.lookup(client($0), at: now) == servers[$0 % 2] })
    // Clients from the other node are not sent back.
    #expect(other.takeChanges(service: 7, at: now).batches.isEmpty)
    #expect(copy(of: other, activeSince: now).isEmpty)
  }

  @Test func `clients of unknown servers and of unused tables are ignored`() throws {
    let store = try store()
    for table in AffinityKind.allCases {
      let records = servers.indices.map {
        AffinityRecord(
          client: client($0), server: servers[$0], assigned: AssignmentTime(nanoseconds: 9), silence: .zero)
      }
      store.merge(
        AssignmentBatch(service: 7, table: table, records: records), from: .node(0), settings,
        servers: [servers[0]], asOf: now, at: now)
    }
    #expect(store.count == 1 && store.addresses.lookup(client(0), at: now) == servers[0])
  }

  @Test func `changes are sent once, in batches, and lost ones are reported`() throws {
    let store = try store()
    for number in 0..<3000 { store.addresses.assign(client(number), to: servers[0], at: now) }
    let changes = store.takeChanges(service: 7, at: now)
    #expect(changes.batches.map(\.records.count) == [900, 900, 900, 300] && !changes.areIncomplete)
    for number in 0..<40_000 { store.addresses.assign(client(number), to: servers[1], at: now) }
    let flood = store.takeChanges(service: 7, at: now)
    #expect(flood.areIncomplete && flood.batches.reduce(0) { $0 + $1.records.count } == 16 * 1024)
    #expect(!store.takeChanges(service: 7, at: now).areIncomplete)
  }
}
