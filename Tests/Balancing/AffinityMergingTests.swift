import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct `Merging records of other nodes` {
  let first = ServerID(rawValue: 1)
  let second = ServerID(rawValue: 2)
  let start = Instant(nanoseconds: Interval.hours(200).nanoseconds)
  let peer = AffinitySource.node(1)

  func table(capacity: Int = 100, changeLimit: Int = 100) -> AffinityTable {
    AffinityTable(
      capacity: capacity, hold: .minutes(90), hash: ClientHash(seed: 1, 2), changeLimit: changeLimit)
  }

  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  /// Assigned at `time`; without one, at `start`. The clocks of assignments show the instants.
  func record(
    _ number: UInt32, _ server: ServerID, at time: Instant? = nil, silence: Interval = .zero, isOpen: Bool = false
  ) -> AffinityRecord {
    AffinityRecord(
      client: client(number), server: server, assigned: AssignmentTime(nanoseconds: (time ?? start).nanoseconds),
      silence: silence, isOpen: isOpen)
  }

  /// Tells one table what another one knows.
  func tell(_ table: inout AffinityTable, of other: borrowing AffinityTable, by node: UInt8, at now: Instant) {
    let records = other.records(in: 0..<other.slotCount, at: now)
    table.merge(records[...], from: .node(node), asOf: now, at: now)
  }

  @Test func `the later assignment decides, and at the same time the greater server`() {
    var table = self.table()
    for number in 1...4 as ClosedRange<UInt32> { table.assign(client(number), to: first, at: start) }
    table.assign(client(5), to: second, at: start)
    let (before, after) = (start - Interval(nanoseconds: 1), start + Interval(nanoseconds: 1))
    let records = [
      record(1, second), record(2, second, at: after), record(3, second, at: before), record(5, first),
    ]
    let now = start + .seconds(10)
    table.merge(records[...], from: peer, asOf: now, at: now)
    #expect((1...5).map { table.lookup(client($0), at: now) } == [second, second, first, first, second])
    #expect(table.count == 5)
    // Those that lose are answered.
    _ = table.takeChanges(limit: 5, at: now)
    table.merge(records[2...], from: peer, asOf: now, at: now)
    #expect(Set(table.takeChanges(limit: 5, at: now).records.map(\.client)) == [client(3), client(5)])
  }

  @Test func `an assignment here is later than the one that it replaces, whatever the clock shows`() {
    var table = self.table()
    var other = self.table()
    let ahead = start + .hours(1)
    table.merge([record(1, first, at: ahead)], from: peer, asOf: start, at: start)
    table.assign(client(1), to: second, at: start + .seconds(1))
    other.assign(client(1), to: first, at: ahead)
    tell(&other, of: table, by: 1, at: ahead)
    #expect(other.lookup(client(1), at: ahead) == second)
  }

  @Test func `silence counts from the time when the record was sent, not received`() {
    var table = self.table()
    // Told four minutes before it came.
    let told = start - Interval.minutes(4)
    table.merge([record(1, second)], from: peer, asOf: told, at: start)
    #expect(table.lookup(client(1), at: told + .minutes(89)) == second)
    #expect(table.lookup(client(1), at: told + .minutes(90)) == nil)
  }

  @Test func `a session counts from its beginning: its machine may be gone, and its end tells nothing after a move`() {
    var old = self.table()
    var new = self.table()
    let dead = old.sessionBegan(client(1), on: first, at: start)
    tell(&new, of: old, by: 1, at: start)
    // The machine vanishes without a word; the client comes back by the other node while its server is away.
    let moved = start + .minutes(1)
    let session = new.sessionBegan(client(1), on: second, at: moved)
    tell(&old, of: new, by: 2, at: moved)
    tell(&new, of: old, by: 1, at: moved)
    #expect(old.lookup(client(1), at: moved) == second && new.lookup(client(1), at: moved) == second)
    #expect(old.tally[first] == AffinityCount() && old.tally[second] == AffinityCount(clients: 1))
    // The dead connection times out, long after the client was last active on the other node.
    new.sessionEnded(session, at: start + .minutes(2))
    let late = start + .minutes(10)
    old.sessionEnded(dead, at: late)
    tell(&new, of: old, by: 1, at: late)
    tell(&old, of: new, by: 2, at: late)
    #expect(old.lookup(client(1), at: late) == second && new.lookup(client(1), at: late) == second)
    #expect(old.records(in: 0..<1, activeSince: start, at: late).isEmpty)
  }

  @Test func `the end of a session does not make it later than an assignment, also where the nodes were apart`() {
    var old = self.table()
    var new = self.table()
    let dead = old.sessionBegan(client(1), on: first, at: start)
    new.assign(client(1), to: second, at: start + .minutes(1))
    old.sessionEnded(dead, at: start + .minutes(10))
    let now = start + .minutes(11)
    tell(&new, of: old, by: 1, at: now)
    tell(&old, of: new, by: 2, at: now)
    #expect(old.lookup(client(1), at: now) == second && new.lookup(client(1), at: now) == second)
  }

  @Test func `a session that began later than the other node's assignment keeps its client`() {
    var table = self.table()
    let session = table.sessionBegan(client(1), on: first, at: start + .minutes(1))
    let now = start + .hours(3)
    table.merge([record(1, second, at: start, isOpen: true)], from: peer, asOf: now, at: now)
    #expect(table.lookup(client(1), at: now) == first && table.tally[first].sessions == 1)
    table.sessionEnded(session, at: now)
    #expect(table.lookup(client(1), at: now + .minutes(89)) == first)
  }

  @Test func `of a client that is moved here, sessions at the former server no longer count`() {
    var table = self.table()
    let former = table.sessionBegan(client(1), on: first, at: start)
    let session = table.sessionBegan(client(1), on: second, at: start)
    #expect(table.tally[second] == AffinityCount(clients: 1, sessions: 1) && table.tally[first] == AffinityCount())
    table.sessionEnded(session, at: start + .minutes(1))
    table.sessionEnded(former, at: start + .minutes(60))
    #expect(table.lookup(client(1), at: start + .minutes(91)) == nil)
  }

  @Test func `a file has nothing that is later than its reading, however wrong the clock was`() {
    var restored = self.table()
    var other = self.table()
    let now = start + .minutes(5)
    other.assign(client(1), to: second, at: now)
    // The clock was put back by hours since the file was written.
    restored.merge([record(1, first, at: start + .hours(3))], from: .file, asOf: start, at: start)
    tell(&other, of: restored, by: 1, at: now)
    tell(&restored, of: other, by: 2, at: now)
    #expect(restored.lookup(client(1), at: now) == second && other.lookup(client(1), at: now) == second)
  }

  @Test func `in a full table, who has a session elsewhere stays until the next report of it is due`() {
    var table = table(capacity: 10)
    let open = (0..<5 as Range<UInt32>).map { record($0, first, isOpen: true) }
    table.merge(open[...], from: peer, asOf: start, at: start)
    for number in 5..<10 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    // Others come, here and there, and are active later than the last report.
    let now = start + .minutes(5)
    let idle = (100..<200 as Range<UInt32>).map { record($0, second) }
    table.merge(idle[...], from: peer, asOf: now, at: now)
    for number in 200..<300 as Range<UInt32> { table.assign(client(number), to: second, at: now) }
    #expect((0..<5).allSatisfy { table.lookup(client($0), at: now) == first })
    // The end of such a session is told, and the next report of it may not come.
    table.merge([record(0, first, silence: .seconds(30))], from: peer, asOf: now, at: now)
    table.assign(client(300), to: second, at: now)
    #expect((0..<5).map { table.lookup(client($0), at: now) == nil } == [true, false, false, false, false])
    let later = start + .minutes(7)
    for number in 400..<410 as Range<UInt32> { table.assign(client(number), to: second, at: later) }
    #expect((0..<5).allSatisfy { table.lookup(client($0), at: later) == nil })
    #expect(table.count == 10)
  }

  @Test func `what was merged is held as long as it would have been there`() {
    var table = self.table()
    table.merge(
      [record(1, first, silence: .minutes(80)), record(2, first, silence: .minutes(90))], from: peer, asOf: start,
      at: start)
    #expect(table.count == 1)
    #expect(table.lookup(client(1), at: start + .minutes(9)) == first)
    table.forgetOver(at: start + .minutes(10), limit: 5)
    #expect(table.count == 0)
  }

  @Test func `a flood of older records evicts no later active client and none with a session`() {
    var table = table(capacity: 10)
    for number in 0..<5 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    for number in 5..<8 as Range<UInt32> { _ = table.sessionBegan(client(number), on: first, at: start) }
    var random = SeededGenerator(seed: 7)
    let older = (100..<1000 as Range<UInt32>).map { record($0, second, silence: .seconds(UInt64($0))) }
    let now = start + .seconds(50)
    table.merge(older.shuffled(using: &random)[...], from: peer, asOf: now, at: now)
    // Two places were free: they are used for the two most recently active.
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
    var table = self.table()
    table.merge([record(1, first), record(2, first), record(3, first)], from: peer, asOf: start, at: start)
    table.assign(client(1), to: first, at: start)
    table.assign(client(2), to: second, at: start + .seconds(1))
    _ = table.sessionBegan(client(4), on: second, at: start + .seconds(1))
    table.assign(client(5), to: first, at: start)
    let now = start + .seconds(2)
    // The client was at the other node later.
    table.merge([record(5, second, at: now)], from: peer, asOf: now, at: now)
    let changes = table.takeChanges(limit: 10, at: now)
    let later = start + .seconds(1)
    #expect(
      Set(changes.records) == [
        record(2, second, at: later, silence: .seconds(1)), record(4, second, at: later, isOpen: true),
      ])
    #expect(!changes.hasMore && !changes.areIncomplete)
    #expect(table.takeChanges(limit: 10, at: now).records.isEmpty)
  }

  @Test func `the queue of changes is bounded, and reports an overflow`() {
    var table = table(changeLimit: 3)
    for number in 0..<5 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    let part = table.takeChanges(limit: 2, at: start)
    #expect(part.records.count == 2 && part.hasMore && part.areIncomplete)
    let rest = table.takeChanges(limit: 2, at: start)
    #expect(rest.records.count == 1 && !rest.hasMore && !rest.areIncomplete)
  }

  @Test func `those who were active are the ones with a session here or with activity here, not elsewhere`() {
    var table = self.table()
    _ = table.sessionBegan(client(1), on: first, at: start)
    table.assign(client(2), to: first, at: start + .minutes(1))
    table.assign(client(3), to: first, at: start + .minutes(3))
    let now = start + .minutes(4)
    table.merge([record(4, first)], from: peer, asOf: now, at: now)
    let active = table.records(in: 0..<table.slotCount, activeSince: start + .minutes(2), at: now)
    #expect(
      Set(active) == [
        record(1, first, isOpen: true), record(3, first, at: start + .minutes(3), silence: .minutes(1)),
      ])
  }

  @Test func `a client that both saw at the same time is still reported by both`() {
    var table = self.table()
    table.assign(client(1), to: first, at: start)
    let now = start + .seconds(3)
    table.merge([record(1, first, silence: .seconds(2))], from: peer, asOf: now, at: now)
    #expect(table.records(in: 0..<1, activeSince: start, at: now) == [record(1, first, silence: .seconds(3))])
    table.merge([record(1, first, silence: .milliseconds(1999))], from: peer, asOf: now, at: now)
    #expect(table.records(in: 0..<1, activeSince: start, at: now).isEmpty)
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

/// A table, and a simple model of it.
private struct MergingSimulation: ~Copyable {
  struct Client {
    var server: ServerID
    var assigned: UInt64
    var lastSeen: Instant
    var sessions: [AffinityTable.Session] = []
    /// Nil: it was last active here.
    var source: AffinitySource?
    /// It has a session where it was last active.
    var isOpen = false

    var activeUntil: Instant { source != nil && isOpen ? lastSeen + .minutes(6) : lastSeen }
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
    clients = clients.filter { !$0.value.sessions.isEmpty || now - $0.value.activeUntil < Self.hold }
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
      let source = [AffinitySource.file, .node(1), .node(2), .node(3)][Int.random(in: 0..<4, using: &random)]
      let assigned = now.nanoseconds + random.next() >> 30 - random.next() >> UInt64.random(in: 21..<50, using: &random)
      merge(
        AffinityRecord(
          client: key, server: server, assigned: AssignmentTime(nanoseconds: assigned), silence: silence,
          isOpen: Bool.random(using: &random)), from: source)
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
    let known = clients[key]
    clients[key] = Client(
      server: server, assigned: max(now.nanoseconds, known.map { $0.assigned + 1 } ?? 0), lastSeen: now,
      sessions: known?.server == server ? known?.sessions ?? [] : [])
  }

  private mutating func merge(_ record: AffinityRecord, from source: AffinitySource) {
    table.merge([record], from: source, asOf: now, at: now)
    let seen = now - record.silence
    let assigned = source == .file ? min(now.nanoseconds, record.assigned.nanoseconds) : record.assigned.nanoseconds
    var new = Client(
      server: record.server, assigned: assigned, lastSeen: seen, source: source, isOpen: record.isOpen)
    guard record.silence < Self.hold, now - new.activeUntil < Self.hold else { return }
    guard let known = clients[record.client] else {
      if clients.count == capacity {
        guard let oldest, let client = clients[oldest], client.activeUntil < new.activeUntil else { return }
        clients[oldest] = nil
      }
      clients[record.client] = new
      return
    }
    new.lastSeen = max(seen, known.lastSeen)
    if known.server == record.server {
      new.assigned = max(assigned, known.assigned)
      let isUpdate = source != .file && known.source == source
      if !known.sessions.isEmpty || !isUpdate && seen <= known.lastSeen + .seconds(1) {
        clients[record.client]?.assigned = new.assigned
        return
      }
    } else if (assigned, record.server.rawValue) <= (known.assigned, known.server.rawValue) {
      return
    }
    clients[record.client] = new
  }

  private var oldest: ClientKey? {
    clients.filter { $0.value.sessions.isEmpty }.min { $0.value.activeUntil < $1.value.activeUntil }?.key
  }

  private mutating func evict() {
    guard let key = oldest ?? clients.min(by: { $0.value.lastSeen < $1.value.lastSeen })?.key else { return }
    clients[key] = nil
  }
}
