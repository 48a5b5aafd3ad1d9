import Linux

/// A loop's connections in the order in which they came to a state that few stay in for long. One that has left the state
/// stays listed until it comes to the front, so that leaving costs nothing.
struct DispensableList: ~Copyable {
  private let kind: Dispensable
  private var keys: [SlabKey] = []
  private var first = 0

  init(_ kind: Dispensable) { self.kind = kind }

  /// Notes one that has come to the state, and forgets some of those at the front that have left it: two for one, so that
  /// the list grows no longer than what has come since the oldest that is still there.
  mutating func append(_ key: SlabKey, among clients: borrowing Slab<ClientConnection>) {
    for _ in 0..<2 where first < keys.count && !isMeant(keys[first], clients) { first += 1 }
    trim()
    keys.append(key)
  }

  /// The one that has been there longest; nil when none is.
  mutating func oldest(among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    while first < keys.count, !isMeant(keys[first], clients) { first += 1 }
    trim()
    return first < keys.count ? keys[first] : nil
  }

  private func isMeant(_ key: SlabKey, _ clients: borrowing Slab<ClientConnection>) -> Bool {
    clients.contains(key) && clients[key].isDispensable(as: kind)
  }

  /// Gives back what lies before the front, once that is most of the list.
  private mutating func trim() {
    guard first > 64, first * 2 > keys.count else { return }
    keys.removeFirst(first)
    first = 0
  }
}
