import Domain

/// A set of servers by their index in the configuration. Indices below 64 are bits of one word; higher ones are in an
/// array, which smaller configurations do not use.
///
/// Invariant: the last word of `high` is not zero.
public struct ServerSet: Hashable, Sendable {
  /// Indices below 64.
  var low: UInt64
  /// Indices from 64 on, 64 in a word.
  var high: [UInt64] = []

  /// The most servers in a configuration: the largest View pod has seven Connection Servers, and routing an unknown
  /// client looks at all servers.
  public static let capacity = 1024

  /// Indices below 64, one bit each.
  public init(bits: UInt64 = 0) { low = bits }

  /// The indices from 0 up to but not including `count`, `0 ≤ count ≤ capacity`.
  public init(first count: Int) {
    precondition(0...ServerSet.capacity ~= count, "more servers than a set can hold")
    low = count == 0 ? 0 : .max >> UInt64(64 - min(count, 64))
    for index in stride(from: 64, to: count, by: 1) { insert(index) }
  }

  public var isEmpty: Bool { low == 0 && high.isEmpty }
  public var count: Int { high.reduce(low.nonzeroBitCount) { $0 + $1.nonzeroBitCount } }

  /// `0 ≤ index < capacity`, as in all functions with an index.
  public func contains(_ index: Int) -> Bool {
    if index < 64 { return low >> UInt64(index) & 1 != 0 }
    let word = index / 64 - 1
    return word < high.count && high[word] >> UInt64(index & 63) & 1 != 0
  }

  /// Allocates when the index is 64 or more.
  public mutating func insert(_ index: Int) {
    if index < 64 { low |= 1 << UInt64(index) } else { insertHigh(index) }
  }

  /// Does nothing when the index is not in the set.
  public mutating func remove(_ index: Int) {
    if index < 64 { low &= ~(1 << UInt64(index)) } else { removeHigh(index) }
  }

  /// Calls `body` with every index, in ascending order.
  public func forEach(_ body: (Int) -> Void) {
    ServerSet.forEach(in: low, from: 0, body)
    guard !high.isEmpty else { return }
    for word in high.indices { ServerSet.forEach(in: high[word], from: (word + 1) * 64, body) }
  }

  /// The indices in both sets.
  public func intersection(_ other: ServerSet) -> ServerSet {
    var result = ServerSet(bits: low & other.low)
    if !high.isEmpty, !other.high.isEmpty { result.keep(zip(high, other.high).map { $0 & $1 }) }
    return result
  }

  /// The indices in this set but not in the other.
  public func subtracting(_ other: ServerSet) -> ServerSet {
    var result = ServerSet(bits: low & ~other.low)
    if !high.isEmpty {
      result.keep(high.indices.map { $0 < other.high.count ? high[$0] & ~other.high[$0] : high[$0] })
    }
    return result
  }

  static func forEach(in word: UInt64, from first: Int, _ body: (Int) -> Void) {
    var rest = word
    while rest != 0 {
      body(first &+ rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
  }

  mutating func insertHigh(_ index: Int) {
    let word = index / 64 - 1
    while high.count <= word { high.append(0) }
    high[word] |= 1 << UInt64(index & 63)
  }

  mutating func removeHigh(_ index: Int) {
    let word = index / 64 - 1
    guard word < high.count else { return }
    high[word] &= ~(1 << UInt64(index & 63))
    while high.last == 0 { high.removeLast() }
  }

  /// Sets the words above the first, without trailing zeros.
  mutating func keep(_ words: [UInt64]) {
    high = words
    while high.last == 0 { high.removeLast() }
  }
}

/// Which servers accept which clients: two sets that a prober publishes and every loop reads.
///
/// Invariant: a server that accepts new clients accepts known ones.
public struct Availability: Hashable, Sendable {
  /// Servers that accept clients without an assigned server.
  public internal(set) var takesNew = ServerSet()
  /// Servers that accept the clients assigned to them.
  public internal(set) var takesKnown = ServerSet()

  /// No server accepts clients.
  public init() {}

  /// From two words that were not read atomically: a server that was changing state counts as the more restrictive one.
  public init(takesNew: ServerSet, takesKnown: ServerSet) {
    self.takesNew = takesNew.intersection(takesKnown)
    self.takesKnown = takesKnown
  }

  /// The availability of `count` servers with the states that `state` returns.
  public init(of count: Int, _ state: (Int) -> ServerState) {
    var (new, known): (UInt64, UInt64) = (0, 0)
    for index in 0..<min(count, 64) {
      switch state(index) {
      case .up:
        new |= 1 << UInt64(index)
        known |= 1 << UInt64(index)
      case .drain: known |= 1 << UInt64(index)
      case .down, .maintenance: break
      }
    }
    takesNew = ServerSet(bits: new)
    takesKnown = ServerSet(bits: known)
    for index in stride(from: 64, to: count, by: 1) { set(state(index), at: index) }
  }

  /// Updates the state of the server at `index`.
  public mutating func set(_ state: ServerState, at index: Int) {
    takesNew.remove(index)
    takesKnown.remove(index)
    if state == .up { takesNew.insert(index) }
    if state.takesKnownClients { takesKnown.insert(index) }
  }
}
