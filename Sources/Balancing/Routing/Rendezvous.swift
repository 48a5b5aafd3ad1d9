/// Weighted rendezvous hashing (Thaler and Ravishankar, 1998; weights after Schindelhauer and Schomaker, 2005): each
/// pair of client and server has a constant pseudo-random score, and the server with the best score is selected.
/// Removing a server moves only its own clients; adding one moves only the clients that it wins.
///
/// The score is `−log₂(u) ÷ weight` with `u` from the pair's hash, uniform in (0, 1): an exponential race, which each
/// server wins with probability weight ÷ sum of weights. The smallest score wins. Both nodes of a pair must compute
/// exactly the same result, so the logarithm uses only integer operations, and quotients are compared by
/// cross-multiplication.
public struct Rendezvous: Sendable {
  /// The best server so far.
  struct Leader {
    var index: Int
    var id: ServerID
    var distance: UInt64
    var weight: UInt64
  }

  let position: UInt64
  var leader: Leader?

  /// Starts a selection for this client.
  public init(for client: ClientKey) { position = client.position }

  /// The index of the best server so far; nil before the first entry.
  public var winner: Int? { leader?.index }

  /// Enters a server; `index` is returned if it wins. `1 ≤ weight ≤ 2¹⁶`. The order of entries does not matter.
  public mutating func enter(_ id: ServerID, weight: Int, index: Int) {
    let weight = UInt64(truncatingIfNeeded: weight)
    let distance = Rendezvous.negatedLog2(mixed(position ^ id.rawValue))
    if let leader {
      // distance ÷ weight < leader.distance ÷ leader.weight; below 2³⁸ · 2¹⁶ on both sides.
      let (mine, theirs) = (distance &* leader.weight, leader.distance &* weight)
      guard mine < theirs || (mine == theirs && id.rawValue < leader.id.rawValue) else { return }
    }
    leader = Leader(index: index, id: id, distance: distance, weight: weight)
  }

  /// `−log₂(word ÷ 2⁶⁴)` as 32.32 fixed point, from 1 ÷ 2³² to 64; 0 counts as 1.
  ///
  /// With `word = 2ᵉ · (1 + f)`, `log₂(word) = e + f + f · (1 − f) · q(f)`, where `q` is the polynomial of degree four
  /// that interpolates `(log₂(1 + f) − f) ÷ (f · (1 − f))` at the Chebyshev nodes of [0, 1]. The form is exact at both
  /// ends of every octave, so that the *relative* error stays below 7 · 10⁻⁵ also near zero, where selections are
  /// decided.
  static func negatedLog2(_ word: UInt64) -> UInt64 {
    let word = max(word, 1)
    let leadingZeros = UInt64(truncatingIfNeeded: word.leadingZeroBitCount)
    // f with 32 bits; the bit above them is the leading one.
    let fraction = ((word << leadingZeros) >> 31) & 0xffff_ffff
    let f = Int64(truncatingIfNeeded: fraction)
    // q with 30 bits, below 2²⁹ at every step. The shift rounds down, also for negative numbers.
    var q: Int64 = 27_585_783
    q = -104_369_674 &+ ((q &* f) >> 32)
    q = 197_676_760 &+ ((q &* f) >> 32)
    q = -296_964_243 &+ ((q &* f) >> 32)
    q = 475_296_191 &+ ((q &* f) >> 32)
    let bow = (fraction &* (0x1_0000_0000 &- fraction)) >> 32
    let logarithm = fraction &+ ((bow &* UInt64(truncatingIfNeeded: q)) >> 30)
    // 64 − e is one more than the leading zeros.
    return ((leadingZeros &+ 1) << 32) &- logarithm
  }
}
