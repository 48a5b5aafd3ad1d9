/// The four state words of all variants of SipHash (Aumasson and Bernstein, 2012).
struct SipState {
  var v0, v1, v2, v3: UInt64

  init(_ key0: UInt64, _ key1: UInt64) {
    v0 = key0 ^ 0x736f_6d65_7073_6575
    v1 = key1 ^ 0x646f_7261_6e64_6f6d
    v2 = key0 ^ 0x6c79_6765_6e65_7261
    v3 = key1 ^ 0x7465_6462_7974_6573
  }

  /// Processes eight bytes of the message as a little-endian word.
  mutating func compress(_ word: UInt64, rounds: Int) {
    v3 ^= word
    turn(rounds)
    v0 ^= word
  }

  /// The combined state words.
  var folded: UInt64 { v0 ^ v1 ^ v2 ^ v3 }

  mutating func turn(_ rounds: Int) {
    for _ in 0..<rounds {
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
  }

  func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
}
