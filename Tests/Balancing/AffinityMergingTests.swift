import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct `Merging what other nodes know` {
  let first = ServerID(rawValue: 1)
  let second = ServerID(rawValue: 2)
  let start = Instant(nanoseconds: Interval.hours(200).nanoseconds)
  let peer = AffinitySource.node(1, settles: false)

  func table(capacity: Int = 100, changeLimit: Int = 100) -> AffinityTable {
    AffinityTable(
      capacity: capacity, hold: .minutes(90), hash: ClientHash(seed: 1, 2), changeLimit: changeLimit)
  }

  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  func record(_ number: UInt32, _ server: ServerID, silence: Interval = .zero) -> AffinityRecord {
    AffinityRecord(client: client(number), server: server, silence: silence)
  }

  @Test func `the later activity decides, and at the same instant the greater server`() {
    var table = table()
    for number in 1...4 as ClosedRange<UInt32> { table.assign(client(number), to: first, at: start) }
    table.assign(client(5), to: second, at: start)
    let records = [
      record(1, second, silence: .seconds(10)), record(2, second, silence: .seconds(9)),
      record(3, second, silence: .seconds(11)), record(5, first, silence: .seconds(10)),
    ]
    let now = start + .seconds(10)
    table.merge(records[...], from: .node(1, settles: true), asOf: now, at: now)
    #expect((1...5).map { table.lookup(client($0), at: now) } == [second, second, first, first, second])
    #expect(table.count == 5)
  }

  @Test func `silence counts from when it was told, not from when it came`() {
    var table = table()
    table.assign(client(1), to: first, at: start)
    // Sent ten seconds before the client came here, and four seconds on the way.
    let told = start - Interval.seconds(1)
    table.merge([record(1, second)], from: peer, asOf: told, at: start + .seconds(3))
    #expect(table.lookup(client(1), at: start) == first)
  }

  @Test func `a client with a session here is active now, whatever others say`() {
    var table = table()
    let session = table.sessionBegan(client(1), on: first, at: start)
    let now = start + .hours(1)
    table.merge([record(1, second)], from: peer, asOf: now, at: now)
    #expect(table.lookup(client(1), at: now) == first)
    table.sessionEnded(session, at: now)
    table.merge([record(1, second)], from: peer, asOf: now + .seconds(2), at: now + .seconds(2))
    #expect(table.lookup(client(1), at: now + .seconds(2)) == second)
  }

  @Test func `what was merged is held as long as it would have been there`() {
    var table = table()
    table.merge(
      [record(1, first, silence: .minutes(80)), record(2, first, silence: .minutes(90))], from: peer, asOf: start,
      at: start)
    #expect(table.count == 1)
    #expect(table.lookup(client(1), at: start + .minutes(9)) == first)
    table.forgetOver(at: start + .minutes(10), limit: 5)
    #expect(table.count == 0)
  }

  @Test func `a flood takes no room from those who were active later, nor from a session`() {
    var table = table(capacity: 10)
    for number in 0..<5 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    for number in 5..<8 as Range<UInt32> { _ = table.sessionBegan(client(number), on: first, at: start) }
    var random = SeededGenerator(seed: 7)
    let older = (100..<1000 as Range<UInt32>).map { record($0, second, silence: .seconds(UInt64($0))) }
    let now = start + .seconds(50)
    table.merge(older.shuffled(using: &random)[...], from: peer, asOf: now, at: now)
    // Two places were free: they went to the two that were active last.
    #expect(table.count == 10)
    #expect((0..<8).allSatisfy { table.lookup(client($0), at: now) == first })
    #expect([100, 101].allSatisfy { table.lookup(client($0), at: now) == second })
    let newer = (2000..<3000 as Range<UInt32>).map { record($0, second) }
    table.merge(newer[...], from: peer, asOf: now, at: now)
    #expect(table.count == 10)
    #expect((0..<8).map { table.lookup(client($0), at: now) != nil } == (0..<8).map { $0 >= 5 })
    #expect(table.tally[first] == AffinityCount(clients: 3, sessions: 3))
  }

  @Test func `changes are the clients that were assigned or moved here, and no others`() {
    var table = table()
    table.merge([record(1, first), record(2, first), record(3, first)], from: peer, asOf: start, at: start)
    table.assign(client(1), to: first, at: start)
    table.assign(client(2), to: second, at: start + .seconds(1))
    _ = table.sessionBegan(client(4), on: second, at: start + .seconds(1))
    table.assign(client(5), to: first, at: start)
    let now = start + .seconds(2)
    // The other node was told of the client later.
    table.merge([record(5, second)], from: peer, asOf: now, at: now)
    let changes = table.takeChanges(limit: 10, at: now)
    #expect(Set(changes.records) == [record(2, second, silence: .seconds(1)), record(4, second)])
    #expect(!changes.hasMore && !changes.areIncomplete)
    #expect(table.takeChanges(limit: 10, at: now).records.isEmpty)
  }

  @Test func `the queue of changes is bounded, and tells when it was full`() {
    var table = table(changeLimit: 3)
    for number in 0..<5 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    let part = table.takeChanges(limit: 2, at: start)
    #expect(part.records.count == 2 && part.hasMore && part.areIncomplete)
    let rest = table.takeChanges(limit: 2, at: start)
    #expect(rest.records.count == 1 && !rest.hasMore && !rest.areIncomplete)
  }

  @Test func `those who were active are the ones with a session here or with activity here, not elsewhere`() {
    var table = table()
    _ = table.sessionBegan(client(1), on: first, at: start)
    table.assign(client(2), to: first, at: start + .minutes(1))
    table.assign(client(3), to: first, at: start + .minutes(3))
    let now = start + .minutes(4)
    table.merge([record(4, first)], from: peer, asOf: now, at: now)
    let active = table.records(in: 0..<table.placeCount, activeSince: start + .minutes(2), at: now)
    #expect(Set(active) == [record(1, first), record(3, first, silence: .minutes(1))])
  }

  @Test func `what a node says replaces what it said before, even if that seemed to be later`() {
    var table = table()
    table.merge([record(1, second)], from: peer, asOf: start, at: start)
    let before = start - Interval.milliseconds(900)
    table.merge([record(1, first)], from: .node(2, settles: false), asOf: before, at: start)
    #expect(table.lookup(client(1), at: start) == second)
    table.merge([record(1, first)], from: peer, asOf: before, at: start)
    #expect(table.lookup(client(1), at: start) == first)
    // A restarted node may have an old file.
    table.merge([record(1, second)], from: peer, asOf: start - Interval.seconds(3), at: start)
    #expect(table.lookup(client(1), at: start) == first)
  }

  @Test func `a client that both saw at the same time is still told of by both`() {
    var table = table()
    table.assign(client(1), to: first, at: start)
    let now = start + .seconds(3)
    table.merge([record(1, first, silence: .seconds(2))], from: peer, asOf: now, at: now)
    #expect(table.records(in: 0..<1, activeSince: start, at: now) == [record(1, first, silence: .seconds(3))])
    table.merge([record(1, first, silence: .milliseconds(1999))], from: peer, asOf: now, at: now)
    #expect(table.records(in: 0..<1, activeSince: start, at: now).isEmpty)
  }

  @Test func `one node settles what both assigned at the same time, and the other tells it`() {
    for (settles, silence) in [(true, Interval.zero), (true, .milliseconds(1500)), (false, .zero)] {
      var table = table()
      table.assign(client(1), to: first, at: start)
      _ = table.takeChanges(limit: 1, at: start)
      let now = start + .milliseconds(500)
      table.merge(
        [record(1, second, silence: silence)], from: .node(1, settles: settles), asOf: now, at: now)
      let winner = settles && silence == .zero ? second : first
      #expect(table.lookup(client(1), at: now) == winner)
      #expect(
        table.takeChanges(limit: 5, at: now).records == [
          record(1, winner, silence: settles ? .zero : .milliseconds(500))
        ])
    }
  }

  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func `any sequence of operations and reports agrees with a plain list of clients`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var simulation = MergingSimulation(seed: seed, capacity: .random(in: 1...40, using: &random), at: start)
    for step in 0..<4_000 {
      simulation.step(using: &random)
      guard step % 16 == 0 else { continue }
      if let fault = simulation.fault() {
        Issue.record("seed \(seed), step \(step): \(fault)")
        return
      }
    }
  }
}

/// A table, and what it is meant to do in the plainest form.
private struct MergingSimulation: ~Copyable {
  struct Client {
    var server: ServerID
    var lastSeen: Instant
    var sessions: [AffinityTable.Session] = []
    /// Nil: it was last active here.
    var source: AffinitySource?
  }

  static let hold = Interval.minutes(90)

  var table: AffinityTable
  var clients: [ClientKey: Client] = [:]
  var capacity: Int
  var now: Instant

  init(seed: UInt64, capacity: Int, at now: Instant) {
    table = AffinityTable(capacity: capacity, hold: Self.hold, hash: ClientHash(seed: seed, 2), changeLimit: 8)
    self.capacity = capacity
    self.now = now
  }

  mutating func step(using random: inout SeededGenerator) {
    let key = ClientKey(IPAddress(v4: .random(in: 0..<60, using: &random)))
    let server = ServerID(rawValue: .random(in: 1...3, using: &random))
    // No two instants are equal, so that there is one client with the longest inactivity.
    now = now + Interval(nanoseconds: 1 + random.next() >> UInt64.random(in: 21..<50, using: &random))
    clients = clients.filter { !$0.value.sessions.isEmpty || now - $0.value.lastSeen < Self.hold }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<20:
      place(key, server)
      table.assign(key, to: server, at: now)
    case 20..<35:
      place(key, server)
      clients[key]?.sessions.append(table.sessionBegan(key, on: server, at: now))
    case 35..<50:
      guard let session = clients[key]?.sessions.popLast() else { return }
      clients[key]?.lastSeen = now
      table.sessionEnded(session, at: now)
    case 50..<95:
      let silence = Interval(nanoseconds: random.next() >> UInt64.random(in: 21..<50, using: &random))
      let source = [
        AffinitySource.file, .node(1, settles: true), .node(2, settles: false), .node(3, settles: true),
      ][Int.random(in: 0..<4, using: &random)]
      merge(AffinityRecord(client: key, server: server, silence: silence), from: source)
    case 95:
      capacity = Int.random(in: 1...40, using: &random)
      table.resize(to: capacity)
      while clients.count > capacity { evict() }
    default: _ = table.takeChanges(limit: 4, at: now)
    }
  }

  mutating func fault() -> String? {
    for number in 0..<60 as Range<UInt32> {
      let key = ClientKey(IPAddress(v4: number))
      let (found, expected) = (table.lookup(key, at: now), clients[key]?.server)
      if found != expected { return "client \(number) is at \(found as Any), not \(expected as Any)" }
    }
    return table.count == clients.count ? nil : "\(table.count) clients, not \(clients.count)"
  }

  private mutating func place(_ key: ClientKey, _ server: ServerID) {
    if clients[key] == nil, clients.count == capacity { evict() }
    var client = clients[key] ?? Client(server: server, lastSeen: now)
    (client.server, client.lastSeen, client.source) = (server, now, nil)
    clients[key] = client
  }

  private mutating func merge(_ record: AffinityRecord, from source: AffinitySource) {
    table.merge([record], from: source, asOf: now, at: now)
    let seen = now - record.silence
    guard now - seen < Self.hold else { return }
    guard let known = clients[record.client] else {
      if clients.count == capacity {
        guard let oldest, let client = clients[oldest], client.lastSeen < seen else { return }
        clients[oldest] = nil
      }
      clients[record.client] = Client(server: record.server, lastSeen: seen, source: source)
      return
    }
    guard known.sessions.isEmpty else { return }
    let differs = known.server != record.server
    let isNear = max(seen - known.lastSeen, known.lastSeen - seen) <= .seconds(1)
    if differs, isNear, known.source == nil, case .node(_, settles: false) = source { return }
    let isUpdate = differs && isNear && source != .file && known.source == source
    if seen > known.lastSeen + (differs ? .zero : .seconds(1)) || isUpdate {
      clients[record.client] = Client(
        server: record.server, lastSeen: max(seen, known.lastSeen), source: source)
    }
    if differs, isNear, known.source != source, case .node(_, settles: true) = source {
      clients[record.client]?.lastSeen = now
      clients[record.client]?.source = nil
    }
  }

  private var oldest: ClientKey? {
    clients.filter { $0.value.sessions.isEmpty }.min { $0.value.lastSeen < $1.value.lastSeen }?.key
  }

  private mutating func evict() {
    guard let key = oldest ?? clients.min(by: { $0.value.lastSeen < $1.value.lastSeen })?.key else { return }
    clients[key] = nil
  }
}
