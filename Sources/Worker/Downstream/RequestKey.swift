import Linux

/// A request, as everything names it that wakes it: its connection to a server, the server's queue, messages.
///
/// A connection gives each number once, so the key of a request that has ended finds none.
struct RequestKey: Hashable, Sendable {
  /// The client's connection, in its loop's slab.
  let connection: SlabKey
  /// Its number on that connection, from 1.
  let number: Int
}
