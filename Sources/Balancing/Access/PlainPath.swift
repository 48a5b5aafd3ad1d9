import Wire

/// Paths that nearly all requests have: their form as a `ComparedPath` differs from the path in nothing but the case of
/// letters and a final slash, so they are compared as they are.
extension Span<UInt8> {
  /// Eight octets from `index` on, which there must be: the first in the lowest byte.
  @inline(always)
  private func word(at index: Int) -> UInt64 {
    let octets = extracting(index..<(index &+ 8))
    let low = UInt64(octets[0]) | UInt64(octets[1]) &<< 8 | UInt64(octets[2]) &<< 16 | UInt64(octets[3]) &<< 24
    let high = UInt64(octets[4]) | UInt64(octets[5]) &<< 8 | UInt64(octets[6]) &<< 16 | UInt64(octets[7]) &<< 24
    return low | high &<< 32
  }

  /// The first eight octets in lower case, a shorter path with spaces behind it. Other octets may be changed, but two
  /// paths of which one is below the other differ in none.
  var foldedStart: UInt64 {
    guard count < 8 else { return word(at: 0) | UInt64.each(0x20) }
    var start: UInt64 = 0
    for index in indices { start |= UInt64(self[index]) &<< UInt64(index &* 8) }
    return start | UInt64.each(0x20)
  }

  /// What `isPlainOctetwise` says, eight octets at a time.
  var isPlainPath: Bool {
    guard count >= 8, self[0] == UInt8(ascii: "/") else { return isPlainOctetwise }
    let last = count &- 8
    var index = 0
    while true {
      // A word begins with the last octet of the one before, so that each pair of octets is in one word.
      guard word(at: index).isCertainlyPlain else { return isPlainOctetwise }
      if index == last { return self[count &- 1] != UInt8(ascii: ".") }
      index = Swift.min(index &+ 7, last)
    }
  }

  /// Letters, digits and `-`, `_`, `!`, `$`, `&`, `'`, `(`, `)`, `*`, `+`, `,`, `=`, `@` in segments that are not empty, and
  /// dots, but not at a segment's end.
  var isPlainOctetwise: Bool {
    guard count > 0, self[0] == UInt8(ascii: "/") else { return false }
    // Whether a segment may end here.
    var mayEnd = false
    var index = 1
    while index < count {
      let octet = self[index]
      index &+= 1
      // Most are lower-case letters.
      if octet &- UInt8(ascii: "a") < 26 || octet.isPlain {
        mayEnd = true
      } else if octet == UInt8(ascii: ".") {
        mayEnd = false
      } else {
        guard octet == UInt8(ascii: "/"), mayEnd else { return false }
        mayEnd = false
      }
    }
    return mayEnd || self[count &- 1] == UInt8(ascii: "/")
  }

  /// Whether a plain path is the rule's path or below it, and in the same case.
  func isPlainlyWithin(_ rule: Span<UInt8>) -> (isWithin: Bool, isExact: Bool) {
    guard rule.count <= count else { return (false, false) }
    var isExact = true
    for index in 1..<rule.count {
      let octet = self[index]
      if octet == rule[index] { continue }
      isExact = false
      guard octet &- UInt8(ascii: "A") < 26, octet | 0x20 == rule[index] else { return (false, false) }
    }
    return (count == rule.count || self[rule.count] == UInt8(ascii: "/"), isExact)
  }
}

extension UInt64 {
  /// The same octet eight times.
  @inline(always)
  static func each(_ octet: UInt8) -> UInt64 { UInt64(octet) &* 0x0101_0101_0101_0101 }

  /// Whether the eight octets are letters, digits, `-`, `.` and `/`, and none of them but the first is a `/` after a `.` or
  /// another `/`. False for some others that are plain.
  @inline(always)
  fileprivate var isCertainlyPlain: Bool {
    let high = UInt64.each(0x80)
    let low = self & ~high
    let folded = low | UInt64.each(0x20)
    // A sum has the highest bit if the octet is at least the one that is subtracted from 0x80.
    let letter = (folded &+ UInt64.each(0x80 - 0x61)) & ~(folded &+ UInt64.each(0x80 - 0x7b))
    let fromHyphenToNine = (low &+ UInt64.each(0x80 - 0x2d)) & ~(low &+ UInt64.each(0x80 - 0x3a))
    guard (~(letter | fromHyphenToNine) | self) & high == 0 else { return false }
    // `.` and `/` differ in their lowest bit.
    let dotOrSlash = ~(((low | UInt64.each(0x01)) ^ UInt64.each(0x2f)) &+ UInt64.each(0x7f)) & high
    let slash = dotOrSlash & (low &<< 7)
    return dotOrSlash & (slash &>> 8) == 0
  }
}

extension UInt8 {
  /// As a set of bits, which takes fewer instructions than comparisons.
  fileprivate var isPlain: Bool {
    let set: UInt64 = self < 64 ? 0x23ff_3fd2_0000_0000 : self < 128 ? 0x07ff_fffe_87ff_ffff : 0
    return set &>> UInt64(self & 63) & 1 != 0
  }
}
