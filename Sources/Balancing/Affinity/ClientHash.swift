/// A keyed hash of client keys: SipHash-1-3 (Aumasson and Bernstein, 2012) of the key's two words in little-endian
/// order. Without the seed nobody can choose addresses that meet in one place of a table or in one shard of several.
public struct ClientHash: Sendable {
  let key0: UInt64
  let key1: UInt64

  /// Both words of the seed are to be unpredictable.
  public init(seed key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The table uses the upper half; shards may be told apart by the lower one.
  public func callAsFunction(_ client: ClientKey) -> UInt64 {
    var state = SipState(key0, key1)
    state.compress(client.high, rounds: 1)
    state.compress(client.low, rounds: 1)
    // The last block: no bytes of its own, and the message's length in the top byte.
    state.compress(16 << 56, rounds: 1)
    state.v2 ^= 0xff
    state.turn(3)
    return state.folded
  }
}
