import Wire

/// The clients without a session whose last activity was elsewhere, in a binary heap: the one with the longest
/// inactivity is first. Reports come in any order, so that a list would not stay ordered.
///
/// Invariant: the entry at position `n` has `next == n`, and its `activeUntil` is not before that of `(n − 1) / 2`.
struct ReportedClients {
  private(set) var heap: [UInt32] = []

  var first: Int? { heap.first.map { Int($0) } }

  mutating func insert(_ entry: Int, in entries: inout [AffinityEntry]) {
    heap.append(UInt32(entry))
    rise(heap.count - 1, in: &entries)
  }

  mutating func remove(_ entry: Int, in entries: inout [AffinityEntry]) {
    let position = Int(entries[entry].next)
    let last = heap.removeLast()
    guard position < heap.count else { return }
    heap[position] = last
    rise(position, in: &entries)
    sink(Int(entries[Int(last)].next), in: &entries)
  }

  /// Moves the entry at `position` towards the first one, as far as it belongs.
  private mutating func rise(_ start: Int, in entries: inout [AffinityEntry]) {
    var position = start
    let entry = heap[position]
    while position > 0 {
      let parent = (position - 1) / 2
      guard entries[Int(entry)].activeUntil < entries[Int(heap[parent])].activeUntil else { break }
      put(heap[parent], at: position, in: &entries)
      position = parent
    }
    put(entry, at: position, in: &entries)
  }

  /// Moves it the other way.
  private mutating func sink(_ start: Int, in entries: inout [AffinityEntry]) {
    var position = start
    let entry = heap[position]
    while 2 * position + 1 < heap.count {
      var child = 2 * position + 1
      if child + 1 < heap.count,
        entries[Int(heap[child + 1])].activeUntil < entries[Int(heap[child])].activeUntil
      {
        child += 1
      }
      guard entries[Int(heap[child])].activeUntil < entries[Int(entry)].activeUntil else { break }
      put(heap[child], at: position, in: &entries)
      position = child
    }
    put(entry, at: position, in: &entries)
  }

  private mutating func put(_ entry: UInt32, at position: Int, in entries: inout [AffinityEntry]) {
    heap[position] = entry
    entries[Int(entry)].next = UInt32(position)
  }
}
