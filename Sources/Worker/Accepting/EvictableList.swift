import Linux

/// A loop's connections in the order in which they entered a state that most leave soon. A connection that has left the
/// state stays in the list until it reaches the front, so that leaving costs nothing.
struct EvictableList: ~Copyable {
  private let kind: EvictionClass
  private var keys: [SlabKey] = []
  private var first = 0

  init(_ kind: EvictionClass) { self.kind = kind }

  /// Adds a connection that has entered the state, and removes up to two at the front that have left it, so that the
  /// list is no longer than the number of connections added since the oldest one still in the state.
  mutating func append(_ key: SlabKey, among clients: borrowing Slab<ClientConnection>) {
    for _ in 0..<2 where first < keys.count && !isMeant(keys[first], clients) { first += 1 }
    trim()
    keys.append(key)
  }

  /// The connection that has been in the state longest; nil when there is none.
  mutating func oldest(among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    while first < keys.count, !isMeant(keys[first], clients) { first += 1 }
    trim()
    return first < keys.count ? keys[first] : nil
  }

  private func isMeant(_ key: SlabKey, _ clients: borrowing Slab<ClientConnection>) -> Bool {
    clients.contains(key) && clients[key].isEvictable(as: kind)
  }

  /// Releases the unused elements at the front once they are the larger part of the list.
  private mutating func trim() {
    guard first > 64, first * 2 > keys.count else { return }
    keys.removeFirst(first)
    first = 0
  }
}
