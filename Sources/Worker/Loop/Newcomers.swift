import Linux

/// A loop's connections in the order in which they came to a state that few stay in for long. One that has left the state
/// stays listed until it comes to the front, so that leaving costs nothing.
struct Newcomers: ~Copyable {
  /// What those have in common who are meant.
  enum State {
    /// They have not sent a byte.
    case silent
    /// They have begun a TLS handshake and not ended it.
    case handshaking
  }

  private let state: State
  private var keys: [SlabKey] = []
  private var first = 0

  init(_ state: State) { self.state = state }

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
    guard clients.contains(key) else { return false }
    return switch state {
    case .silent: clients[key].isSilent
    case .handshaking: clients[key].phase == .handshaking
    }
  }

  /// Gives back what lies before the front, once that is most of the list.
  private mutating func trim() {
    guard first > 64, first * 2 > keys.count else { return }
    keys.removeFirst(first)
    first = 0
  }
}
