import Testing

@testable import Linux

@Suite("Slabs")
struct SlabTests {
  @Test("a removed element's key is stale, also when its place is taken again")
  func stale() {
    var slab = Slab<Int>(capacity: 2)
    let first = slab.insert(1)
    var alive = [slab.contains(first)]
    let removed = slab.remove(first)
    alive.append(slab.contains(first))
    let second = slab.insert(2)
    alive.append(slab.contains(first))
    let found = slab[second]
    #expect(alive == [true, false, false])
    #expect(removed == 1 && found == 2 && second.index == first.index)
  }

  @Test("a key that the slab did not make names nothing", arguments: [0, 1, 2, 3, 5_000, UInt32.max])
  func foreign(index: UInt32) {
    var slab = Slab<Int>(capacity: 4)
    let foreign = SlabKey(index: index, generation: 1)
    var alive = [slab.contains(foreign)]
    let key = slab.insert(7)
    alive.append(slab.contains(foreign))
    #expect(alive == [false, index == key.index])
  }

  @Test("a slab that grew has its elements and keys, also one that began without room", arguments: [0, 1, 2])
  func growth(capacity: Int) {
    var slab = Slab<Int>(capacity: capacity)
    let keys = (0..<100).map { slab.insert($0) }
    let (elements, live, count) = (keys.map { slab[$0] }, slab.keys, slab.count)
    #expect(elements == Array(0..<100) && live == keys && count == 100)
  }
}
