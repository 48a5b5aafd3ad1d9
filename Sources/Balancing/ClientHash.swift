/// A keyed hash of client keys: SipHash-1-3 (Aumasson and Bernstein, 2012) of the key's two words in little-endian
/// order. Without the seed nobody can choose addresses that meet in one place of a table or in one shard of several.
package struct ClientHash: Sendable {
  @usableFromInline let key0: UInt64
  @usableFromInline let key1: UInt64

  /// Both words of the seed are to be unpredictable.
  @inlinable
  package init(seed key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The table uses the upper half; shards may be told apart by the lower one.
  @inlinable
  package func callAsFunction(_ client: ClientKey) -> UInt64 {
    var state = State(key0, key1)
    state.compress(client.high)
    state.compress(client.low)
    // The last block: no bytes of its own, and the message's length in the top byte.
    state.compress(16 << 56)
    return state.finish()
  }

  @usableFromInline struct State {
    @usableFromInline var v0, v1, v2, v3: UInt64

    @inlinable
    init(_ key0: UInt64, _ key1: UInt64) {
      v0 = key0 ^ 0x736f_6d65_7073_6575
      v1 = key1 ^ 0x646f_7261_6e64_6f6d
      v2 = key0 ^ 0x6c79_6765_6e65_7261
      v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inlinable
    mutating func compress(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
    }

    @inlinable
    mutating func finish() -> UInt64 {
      v2 ^= 0xff
      round()
      round()
      round()
      return v0 ^ v1 ^ v2 ^ v3
    }

    @inlinable
    mutating func round() {
      v0 &+= v1
      v1 = rotated(v1, 13) ^ v0
      v0 = rotated(v0, 32)
      v2 &+= v3
      v3 = rotated(v3, 16) ^ v2
      v0 &+= v3
      v3 = rotated(v3, 21) ^ v0
      v2 &+= v1
      v1 = rotated(v1, 17) ^ v2
      v2 = rotated(v2, 32)
    }

    @inlinable
    func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
  }
}
