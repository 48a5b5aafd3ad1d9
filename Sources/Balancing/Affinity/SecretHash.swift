/// A keyed hash of bytes with 128 bits: SipHash-2-4-128. Without the seed, an attacker can find neither two values with
/// the same hash nor a value for a given hash, so that the hash can replace the value.
public struct SecretHash: Hashable, Sendable {
  public let key0: UInt64
  public let key1: UInt64

  /// Both words must be unpredictable, unless the hash only detects damage.
  public init(seed key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The first and the last eight bytes of the hash, as little-endian words.
  public func callAsFunction(_ bytes: Span<UInt8>) -> (first: UInt64, last: UInt64) {
    var state = SipState(key0, key1)
    state.v1 ^= 0xee
    var index = 0
    while index &+ 8 <= bytes.count {
      state.compress(SecretHash.word(of: bytes, at: index, count: 8), rounds: 2)
      index &+= 8
    }
    // The last block: the remaining bytes, and the message's length in the top byte.
    let rest = SecretHash.word(of: bytes, at: index, count: bytes.count &- index)
    state.compress(UInt64(truncatingIfNeeded: bytes.count) << 56 | rest, rounds: 2)
    state.v2 ^= 0xee
    state.turn(4)
    let first = state.folded
    state.v1 ^= 0xdd
    state.turn(4)
    return (first, state.folded)
  }

  private static func word(of bytes: Span<UInt8>, at start: Int, count: Int) -> UInt64 {
    var word: UInt64 = 0
    for offset in 0..<count { word |= UInt64(bytes[start &+ offset]) &<< UInt64(truncatingIfNeeded: offset &* 8) }
    return word
  }
}
