import Domain
import Testing

@testable import Worker

@Suite struct `Counters by number` {
  private func requests(_ count: UInt64) -> TrafficCounts { TrafficCounts(values: [count]) }

  @Test func `the lowest number that nothing refers to is taken`() {
    let places = CounterPlaces()
    var held = (0..<4).map { _ in places.take() }
    #expect(held.map(\.number.index) == [0, 1, 2, 3])
    held.remove(at: 2)
    held.remove(at: 0)
    let (first, second, third) = (places.take(), places.take(), places.take())
    #expect([first, second, third].map(\.number.index) == [0, 2, 4])
  }

  @Test func `a server or service begins at zero, also with the number of an earlier one`() {
    let places = CounterPlaces()
    var table = CounterTable<TrafficCounts>()
    let other = places.take()
    var place = places.take()
    table.change(place.number) { $0.requests += 5 }
    table.change(other.number) { $0.requests += 1 }
    let earlier = place.number
    place = other
    place = places.take()
    #expect(place.number.index == earlier.index)
    #expect(table[place.number] == requests(0))
    table.change(place.number) { $0.requests += 2 }
    #expect(table[place.number] == requests(2))
    #expect(table[earlier] == requests(0))
    #expect(table[other.number] == requests(1))
  }

  @Test func `a copy has the counters of all numbers, and keeps them`() {
    let places = CounterPlaces()
    let held = [places.take(), places.take()]
    var (table, copy) = (CounterTable<TrafficCounts>(), CounterTable<TrafficCounts>())
    for (place, count) in zip(held, [3, 4] as [UInt64]) { table.change(place.number) { $0.requests += count } }
    copy.copy(table)
    table.change(held[0].number) { $0.requests += 10 }
    #expect(held.map { copy[$0.number].requests } == [3, 4])
    copy.copy(table)
    #expect(held.map { copy[$0.number].requests } == [13, 4])
  }
}
