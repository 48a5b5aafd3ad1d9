/// SplitMix64: the same numbers from the same seed on every machine.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }
}

extension SeededGenerator {
  /// Changes a text at one place: takes bytes away, repeats some elsewhere, or inserts a byte, another text or a fragment.
  package mutating func mutate(_ bytes: inout [UInt8], texts: [[UInt8]], fragments: [String]) {
    let place = Int.random(in: 0...bytes.count, using: &self)
    let end = min(bytes.count, place + Int.random(in: 0...12, using: &self))
    switch Int.random(in: 0..<5, using: &self) {
    case 0: bytes.replaceSubrange(place..<end, with: [])
    case 1: bytes.insert(UInt8.random(in: 0...255, using: &self), at: place)
    case 2: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &self))
    case 3: bytes.insert(contentsOf: texts.randomElement(using: &self) ?? [], at: place)
    default: bytes.insert(contentsOf: (fragments.randomElement(using: &self) ?? "").utf8, at: place)
    }
  }
}
