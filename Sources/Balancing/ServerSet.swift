/// A set of servers by their index in the configuration, as bits, so that it fits an atomic.
package struct ServerSet: Hashable, Sendable {
  package var bits: UInt64

  /// How many servers a configuration may have: a bit each. The largest View pod has seven Connection Servers.
  package static let capacity = 64

  @inlinable
  package init(bits: UInt64 = 0) { self.bits = bits }

  /// Indices from 0 up to `count`, `0 ≤ count ≤ 64`.
  @inlinable
  package init(first count: Int) {
    precondition(0...ServerSet.capacity ~= count, "more servers than a set can hold")
    bits = count == 0 ? 0 : .max >> UInt64(ServerSet.capacity - count)
  }

  @inlinable package var isEmpty: Bool { bits == 0 }
  @inlinable package var count: Int { bits.nonzeroBitCount }

  /// The lowest index, nil when empty.
  @inlinable package var first: Int? { bits == 0 ? nil : bits.trailingZeroBitCount }

  @inlinable
  package func contains(_ index: Int) -> Bool { bits >> UInt64(index) & 1 != 0 }

  @inlinable
  package mutating func insert(_ index: Int) { bits |= 1 << UInt64(index) }

  @inlinable
  package mutating func remove(_ index: Int) { bits &= ~(1 << UInt64(index)) }

  /// Takes the lowest index out.
  @inlinable
  package mutating func popFirst() -> Int? {
    guard let index = first else { return nil }
    bits &= bits &- 1
    return index
  }

  @inlinable
  package func intersection(_ other: ServerSet) -> ServerSet { ServerSet(bits: bits & other.bits) }

  @inlinable
  package func subtracting(_ other: ServerSet) -> ServerSet { ServerSet(bits: bits & ~other.bits) }
}

/// Which servers can be given which clients, in two words that a prober publishes and every loop reads.
///
/// Invariant: what takes new clients takes known ones.
package struct Availability: Hashable, Sendable {
  package private(set) var takesNew = ServerSet()
  package private(set) var takesKnown = ServerSet()

  /// No server takes anybody.
  package init() {}

  /// From the two words, read one after the other: a server between two states counts as the lesser.
  @inlinable
  package init(takesNew: ServerSet, takesKnown: ServerSet) {
    self.takesNew = takesNew.intersection(takesKnown)
    self.takesKnown = takesKnown
  }

  /// Puts the server at `index` into a state.
  package mutating func set(_ state: ServerState, at index: Int) {
    takesNew.remove(index)
    takesKnown.remove(index)
    if state == .up { takesNew.insert(index) }
    if state == .up || state == .drain { takesKnown.insert(index) }
  }
}
