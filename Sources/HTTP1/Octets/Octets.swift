/// Tests on several octets at a time, for fast parsing of heads without `unsafe`.
///
/// Eight octets form a word, the first in its lowest byte; two words are tested at once. A test sets the highest bit of
/// each matching octet. One marked *lowest only* is exact up to its lowest match in a word, and may be wrong above it,
/// which is sufficient for a search.
typealias Octets = UInt64
typealias SixteenOctets = SIMD2<Octets>

extension Octets {
  /// The same octet eight times.
  @inline(always)
  static func all(_ octet: UInt8) -> Octets { Octets(octet) &* 0x0101_0101_0101_0101 }

  static var highBits: Octets { .all(0x80) }

  /// All except ASCII letters and `-`, the characters of nearly every field name. Exact.
  @inline(always)
  var notLetterOrHyphen: Octets {
    let low = lowerCased & .all(0x7f)
    let letter = (low &+ .all(0x80 - 0x61)) & ~(low &+ .all(0x80 - 0x7b))
    let fromHyphen = self & .all(0x7f) ^ .all(0x2d)
    let other = fromHyphen &+ .all(0x7f)
    return (~letter & other | self) & .highBits
  }

  /// Letters in lower case. Of the characters allowed in a value, only letters become letters, and none becomes a digit
  /// or `-`.
  @inline(always)
  var lowerCased: Octets { self | .all(0x20) }

  /// The test of `SixteenOctets`, for eight octets.
  @inline(always)
  var perhapsControls: Octets { ((self &- .all(0x20)) | (self &+ .all(0x01))) & ~self & .highBits }

  /// All except ASCII letters, digits, `-` and `.`, the characters of nearly every host: those of a `HostName` but `_`.
  /// Exact.
  @inline(always)
  var notInHost: Octets {
    let low = self & .all(0x7f)
    let folded = lowerCased & .all(0x7f)
    let letter = (folded &+ .all(0x80 - 0x61)) & ~(folded &+ .all(0x80 - 0x7b))
    // Between `-` and `9` the only other character is `/`.
    let digit = (low &+ .all(0x80 - 0x2d)) & ~(low &+ .all(0x80 - 0x3a))
    let notSlash = (low ^ .all(0x2f)) &+ .all(0x7f)
    return (~(letter | digit & notSlash) | self) & .highBits
  }

  /// `octet` itself. Lowest only.
  @inline(always)
  func equal(to octet: UInt8) -> Octets {
    let difference = self ^ .all(octet)
    return (difference &- .all(0x01)) & ~difference & .highBits
  }

  /// Octets up to and including SP, DEL, and non-ASCII. Lowest only.
  @inline(always)
  var notVisible: Octets { ((self &- .all(0x21)) | (self &+ .all(0x01)) | self) & .highBits }

  /// The first `count` octets, 0 ≤ count ≤ 7, followed by zeros.
  @inline(always)
  func prefix(_ count: Int) -> Octets { self & ~(.max &<< Octets(truncatingIfNeeded: count &* 8)) }

  /// The index of the lowest matching octet.
  @inline(always)
  var lowestHit: Int { trailingZeroBitCount &>> 3 }
}

extension SixteenOctets {
  /// The same octet sixteen times.
  @inline(always)
  private static func each(_ octet: UInt8) -> SixteenOctets { SixteenOctets(repeating: .all(octet)) }

  /// Controls, DEL and HTAB, which end a value or need a closer check (RFC 9110 §5.5). Finds all of them, but may also
  /// match an octet after 0xFF.
  @inline(always)
  var perhapsControls: SixteenOctets {
    let hits = (self &- .each(0x20)) | (self &+ .each(0x01))
    return hits & ~self & .each(0x80)
  }
}

extension Span<UInt8> {
  /// The first eight octets; at least eight must be available.
  @inline(always)
  var firstOctets: Octets {
    let low = Octets(self[0]) | Octets(self[1]) &<< 8 | Octets(self[2]) &<< 16 | Octets(self[3]) &<< 24
    let high = Octets(self[4]) | Octets(self[5]) &<< 8 | Octets(self[6]) &<< 16 | Octets(self[7]) &<< 24
    return low | high &<< 32
  }

  /// The first sixteen octets; at least sixteen must be available.
  @inline(always)
  var sixteenOctets: SixteenOctets { SixteenOctets(firstOctets, extracting(droppingFirst: 8).firstOctets) }

  /// Removes the first `count` bytes, or all.
  @inline(always)
  mutating func drop(_ count: Int) { self = extracting(droppingFirst: count) }

  /// Removes up to eight letters and hyphens and stores them in `word` in lower case; true when there were eight.
  /// Removes none when fewer than eight bytes are left.
  @inline(always)
  mutating func dropNameOctets(into word: inout Octets) -> Bool {
    guard count >= 8 else { return false }
    let octets = firstOctets
    let stops = octets.notLetterOrHyphen
    if stops == 0 {
      word = octets.lowerCased
      drop(8)
      return true
    }
    word = octets.lowerCased.prefix(stops.lowestHit)
    drop(stops.lowestHit)
    return false
  }

  /// Removes up to eight bytes and stores them in `word` in lower case.
  @inline(always)
  mutating func dropWord(into word: inout Octets) {
    if count >= 8 {
      word = firstOctets.lowerCased
      drop(8)
      return
    }
    var shift: Octets = 0
    while count > 0 {
      word |= Octets(self[0] | 0x20) &<< shift
      shift &+= 8
      drop(1)
    }
  }

  /// Removes all bytes up to the first control character other than HTAB, or all.
  @inline(always)
  mutating func dropValue() {
    while count >= 16 {
      let hits = sixteenOctets.perhapsControls
      if hits[0] | hits[1] == 0 {
        drop(16)
        continue
      }
      drop(hits[0] != 0 ? hits[0].lowestHit : 8 &+ hits[1].lowestHit)
      if self[0] == UInt8(ascii: "\r") { return }
      guard self[0].isInValue else { return }
      drop(1)
    }
    while count >= 8, firstOctets.perhapsControls == 0 { drop(8) }
    while count > 0, self[0].isInValue { drop(1) }
  }

  /// Removes all bytes up to the first that is invalid in a request target (controls, SP, DEL, `#`, non-ASCII) or
  /// equals `stop`, or all.
  @inline(always)
  mutating func dropTarget(upTo stop: UInt8) {
    while count >= 8 {
      let octets = firstOctets
      let hits = octets.notVisible | octets.equal(to: UInt8(ascii: "#")) | octets.equal(to: stop)
      if hits != 0 {
        drop(hits.lowestHit)
        return
      }
      drop(8)
    }
    while count > 0, self[0] > 0x20, self[0] < 0x7f, self[0] != UInt8(ascii: "#"), self[0] != stop { drop(1) }
  }
}
