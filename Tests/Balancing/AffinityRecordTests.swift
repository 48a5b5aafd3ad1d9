import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct AffinityRecordTests {
  let first = ServerID(name: "view01")
  let second = ServerID(name: "view02")
  let start = Instant(nanoseconds: Interval.hours(200).nanoseconds)

  func table(capacity: Int = 100) -> AffinityTable {
    AffinityTable(capacity: capacity, hold: .minutes(90), hash: ClientHash(seed: 1, 2))
  }

  /// Without another clock, assignments have the times of the table's instants.
  func time(_ instant: Instant) -> AssignmentTime { AssignmentTime(nanoseconds: instant.nanoseconds) }

  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  @Test func `the records of a table are its clients with their silence, and no others`() {
    var table = table()
    table.assign(client(1), to: first, at: start)
    table.assign(client(2), to: second, at: start + .minutes(1))
    _ = table.sessionBegan(client(4), on: first, at: start)
    table.assign(client(5), to: first, at: start + .minutes(30))
    let now = start + .minutes(91)
    let records = table.records(in: 0..<table.slotCount, at: now)
    #expect(
      Set(records) == [
        AffinityRecord(client: client(4), server: first, assigned: time(start), silence: .zero, isOpen: true),
        AffinityRecord(
          client: client(5), server: first, assigned: time(start + .minutes(30)), silence: .minutes(61)),
      ])
    #expect(table.records(in: 0..<Int.max, at: start + .minutes(1)).count == 4)
  }

  @Test func `the records of consecutive ranges are those of the whole table`() {
    var table = table()
    for number in 0..<50 as Range<UInt32> { table.assign(client(number), to: first, at: start) }
    var pieces: [AffinityRecord] = []
    for place in stride(from: 0, to: table.slotCount + 20, by: 7) {
      pieces += table.records(in: place..<place + 7, at: start)
    }
    #expect(pieces == table.records(in: 0..<table.slotCount, at: start))
    #expect(pieces.count == 50)
  }

  @Test func `the change counter grows with activity, and with nothing else`() {
    var table = table()
    var seen: [UInt64] = [table.changes]
    table.assign(client(1), to: first, at: start)
    seen.append(table.changes)
    #expect(table.lookup(client(1), at: start) == first && table.lookup(client(2), at: start) == nil)
    #expect(table.changes == seen.last)
    table.assign(client(1), to: first, at: start)
    seen.append(table.changes)
    #expect(Set(seen).count == 3)
  }

  @Test func `the hold time goes on during a stop and a restart`() {
    var before = table()
    before.assign(client(1), to: first, at: start)
    before.assign(client(2), to: second, at: start + .minutes(50))
    _ = before.sessionBegan(client(3), on: second, at: start)
    let records = before.records(in: 0..<before.slotCount, at: start + .minutes(60))

    // After the restart the clock has another origin, and twenty minutes have passed.
    let now = Instant(nanoseconds: Interval.hours(300).nanoseconds)
    var after = table()
    after.merge(records[...], from: .file, asOf: now - Interval.minutes(20), at: now)
    #expect(after.lookup(client(1), at: now + .minutes(9)) == first)
    #expect(after.lookup(client(1), at: now + .minutes(10)) == nil)
    #expect(after.lookup(client(2), at: now + .minutes(59)) == second)
    #expect(after.lookup(client(2), at: now + .minutes(60)) == nil)
    // Its session was open: it may have been active until the next report would have come.
    #expect(after.lookup(client(3), at: now + .minutes(75)) == second)
    #expect(after.lookup(client(3), at: now + .minutes(76)) == nil)

    var late = table()
    late.merge(records[...], from: .file, asOf: now - Interval.minutes(96), at: now)
    #expect(late.count == 0)
  }

  @Test func `a smaller table keeps the most recent records, and forgets in the same order`() {
    var random = SeededGenerator(seed: 5)
    let records = (0..<10 as Range<UInt32>).shuffled(using: &random).map {
      AffinityRecord(client: client($0), server: first, assigned: time(start), silence: .seconds(UInt64($0)))
    }
    var table = table(capacity: 4)
    table.merge(records[...], from: .file, asOf: start - Interval.zero, at: start)
    #expect((0..<10 as Range<UInt32>).filter { table.lookup(client($0), at: start) != nil } == [0, 1, 2, 3])
    table.assign(client(20), to: second, at: start)
    #expect(table.lookup(client(3), at: start) == nil && table.lookup(client(2), at: start) == first)
  }

  @Test func `of two records of a client the later one applies`() {
    var table = table()
    table.merge(
      [
        AffinityRecord(client: client(1), server: second, assigned: time(start), silence: .zero),
        AffinityRecord(
          client: client(1), server: first, assigned: time(start - Interval.seconds(1)), silence: .seconds(1)),
      ], from: .file, asOf: start - Interval.seconds(1), at: start)
    #expect(table.lookup(client(1), at: start) == second && table.count == 1)
  }

  @Test func `times before the clock's start count as the start`() {
    var table = table()
    table.merge(
      [AffinityRecord(client: client(1), server: first, assigned: time(start), silence: .minutes(80))], from: .file,
      asOf: Instant(nanoseconds: 1), at: Instant(nanoseconds: 1))
    #expect(table.lookup(client(1), at: Instant(nanoseconds: 1)) == first)
    table.merge(
      [
        AffinityRecord(
          client: client(2), server: first, assigned: time(start), silence: Interval(nanoseconds: .max))
      ], from: .file,
      asOf: start - Interval.seconds(1), at: start)
    #expect(table.lookup(client(2), at: start) == nil)
  }
}
