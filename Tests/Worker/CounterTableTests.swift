import Domain
import Testing

@testable import Worker

@Suite struct `Counters by slot` {
  private func requests(_ count: UInt64) -> TrafficCounts { TrafficCounts(values: [count]) }

  @Test func `a slot that nothing refers to is taken before a new one`() {
    let slots = CounterSlots()
    var held = (0..<4).map { _ in slots.take() }
    #expect(held.map(\.key.index) == [0, 1, 2, 3])
    held.remove(at: 2)
    held.remove(at: 0)
    let taken = (0..<3).map { _ in slots.take() }
    #expect(Set(taken.map(\.key.index)) == [0, 2, 4])
    #expect(Set((held + taken).map(\.key.generation)).count == 5)
  }

  @Test func `a server or service begins at zero, also in the slot of an earlier one`() {
    let slots = CounterSlots()
    var table = CounterTable<TrafficCounts>()
    let other = slots.take()
    var slot = slots.take()
    table.change(slot.key) { $0.requests += 5 }
    table.change(other.key) { $0.requests += 1 }
    let earlier = slot.key
    slot = other
    slot = slots.take()
    #expect(slot.key.index == earlier.index)
    #expect(table[slot.key] == requests(0))
    table.change(slot.key) { $0.requests += 2 }
    #expect(table[slot.key] == requests(2))
    #expect(table[earlier] == requests(0))
    #expect(table[other.key] == requests(1))
  }

  @Test func `a copy has the counters of all slots, and keeps them`() {
    let slots = CounterSlots()
    let held = [slots.take(), slots.take()]
    var (table, copy) = (CounterTable<TrafficCounts>(), CounterTable<TrafficCounts>())
    for (slot, count) in zip(held, [3, 4] as [UInt64]) { table.change(slot.key) { $0.requests += count } }
    copy.copy(table)
    table.change(held[0].key) { $0.requests += 10 }
    #expect(held.map { copy[$0.key].requests } == [3, 4])
    copy.copy(table)
    #expect(held.map { copy[$0.key].requests } == [13, 4])
  }
}
