import Testing

@testable import Linux

@Suite("A leased value")
struct LeasedTests {
  private final class Watched {
    let ended: () -> Void
    init(ended: @escaping () -> Void) { self.ended = ended }
    deinit { ended() }
  }

  @Test("is there between lease and give back, and its place can be leased again")
  func comesAndGoes() {
    var pool = LeasePool<Int>()
    var place = Leased<Int>()
    var seen: [Bool] = [place.isLeased]
    var values: [Int] = []
    pool.lease(&place, 1)
    place.value += 1
    seen.append(place.isLeased)
    values.append(place.value)
    pool.giveBack(&place)
    seen.append(place.isLeased)
    pool.lease(&place, 7)
    values.append(place.value)
    #expect(seen == [false, true, false])
    #expect(values == [2, 7])
  }

  @Test("ends when it is given back, replaced, or its place ends, and only then")
  func ends() {
    var ended = 0
    var pool = LeasePool<Watched>()
    do {
      var place = Leased<Watched>()
      pool.lease(&place, Watched { ended += 1 })
      #expect(ended == 0)
      pool.lease(&place, Watched { ended += 1 })
      #expect(ended == 1)
      pool.giveBack(&place)
      #expect(ended == 2)
      pool.giveBack(&place)
      pool.lease(&place, Watched { ended += 1 })
    }
    #expect(ended == 3)
  }

  @Test("has its own storage, also beyond what the pool keeps")
  func storage() {
    var pool = LeasePool<Int>()
    var places = Slab<Leased<Int>>()
    let numbers = Array(0..<(2 * LeasePool<Int>.kept))
    var keys: [SlabKey] = []
    for number in numbers {
      let key = places.insert(Leased<Int>())
      pool.lease(&places[key], number)
      keys.append(key)
    }
    for round in 1...2 {
      var values: [Int] = []
      for key in keys { values.append(places[key].value) }
      #expect(values == numbers.map { $0 * round })
      for key in keys { pool.giveBack(&places[key]) }
      for (key, number) in zip(keys, numbers) { pool.lease(&places[key], number * (round + 1)) }
    }
  }
}
