/// Mixes every bit of `word` into all 64: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014). A bijection, the
/// same on every machine.
func mixed(_ word: UInt64) -> UInt64 {
  var bits = word
  bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
  bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
  return bits ^ (bits >> 31)
}
