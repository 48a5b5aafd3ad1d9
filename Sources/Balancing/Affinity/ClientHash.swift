/// A keyed hash of client keys: SipHash-1-3 (Aumasson and Bernstein, 2012) of the key's two words in little-endian
/// order. Without the seed, an attacker can not choose addresses that collide in a table or a shard.
public struct ClientHash: Sendable {
  let key0: UInt64
  let key1: UInt64

  /// Both words of the seed must be unpredictable.
  public init(seed key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The table uses the upper half; shards may be selected by the lower one.
  public func callAsFunction(_ client: ClientKey) -> UInt64 {
    var state = SipState(key0, key1)
    state.compress(client.high, rounds: 1)
    state.compress(client.low, rounds: 1)
    // The last block: no bytes of the message, and its length in the top byte.
    state.compress(16 << 56, rounds: 1)
    state.v2 ^= 0xff
    state.turn(3)
    return state.folded
  }
}
