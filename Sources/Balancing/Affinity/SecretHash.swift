/// A keyed hash of bytes with 128 bits: SipHash-2-4-128. Without the seed nobody can find two values that share one, or
/// a value for a given one, so that it may stand for the value itself.
public struct SecretHash: Hashable, Sendable {
  public let key0: UInt64
  public let key1: UInt64

  /// Both words are to be unpredictable, unless the hash is to find damage only.
  public init(seed key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The hash's first and last eight bytes, the first of each in the lowest byte.
  public func callAsFunction(_ bytes: Span<UInt8>) -> (first: UInt64, last: UInt64) {
    var state = SipState(key0, key1)
    state.v1 ^= 0xee
    var index = 0
    while index &+ 8 <= bytes.count {
      state.compress(SecretHash.word(of: bytes, at: index, count: 8), rounds: 2)
      index &+= 8
    }
    // The last block: what is left, and the message's length in the top byte.
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
