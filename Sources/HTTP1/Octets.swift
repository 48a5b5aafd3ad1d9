/// Eight octets at a time, the first in the lowest byte: what makes reading a head cheap without `unsafe`.
///
/// All tests answer in the highest bit of each octet. A test marked *lowest only* is exact up to and including its
/// lowest hit, and may be wrong above it; that is all a search needs.
typealias Octets = UInt64

extension Octets {
  /// The same octet eight times.
  @inline(__always)
  static func all(_ octet: UInt8) -> Octets { Octets(octet) &* 0x0101_0101_0101_0101 }

  private static var highBits: Octets { .all(0x80) }

  /// Control characters and DEL, what neither a value nor a target may hold (RFC 9110 §5.5). Lowest only.
  @inline(__always)
  var controls: Octets {
    let fromDelete = self ^ .all(0x7f)
    return ((self &- .all(0x20)) & ~self | (fromDelete &- .all(0x01)) & ~fromDelete) & .highBits
  }

  /// `octet` itself. Lowest only.
  @inline(__always)
  func equal(to octet: UInt8) -> Octets {
    let difference = self ^ .all(octet)
    return (difference &- .all(0x01)) & ~difference & .highBits
  }

  /// Octets up to and including SP, DEL, and all that is not ASCII. Lowest only.
  @inline(__always)
  var notVisible: Octets {
    let fromDelete = self ^ .all(0x7f)
    return ((self &- .all(0x21)) | (fromDelete &- .all(0x01)) & ~fromDelete | self) & .highBits
  }

  /// Everything but ASCII letters and `-`, the characters of nearly every field name. Exact.
  @inline(__always)
  var notLetterOrHyphen: Octets {
    let low = lowerCased & .all(0x7f)
    let letter = (low &+ .all(0x80 - 0x61)) & ~(low &+ .all(0x80 - 0x7b))
    let fromHyphen = self & .all(0x7f) ^ .all(0x2d)
    let other = fromHyphen &+ .all(0x7f)
    return (~letter & other | self) & .highBits
  }

  /// Letters in lower case. Among token characters only `^` and `_` change besides, and none becomes a letter or `-`.
  @inline(__always)
  var lowerCased: Octets { self | .all(0x20) }

  /// The first `count` octets, 0 ≤ count ≤ 7, and zero behind them.
  @inline(__always)
  func prefix(_ count: Int) -> Octets { self & ~(.max &<< Octets(truncatingIfNeeded: count &* 8)) }

  /// The index of the lowest octet that a test hit.
  @inline(__always)
  var lowestHit: Int { trailingZeroBitCount &>> 3 }
}

extension Span<UInt8> {
  /// The octets at `index`, or nil when fewer than eight are left. `0 ≤ index`.
  @inline(__always)
  func octets(at index: Int) -> Octets? {
    let rest = extracting(droppingFirst: index)
    guard rest.count >= 8 else { return nil }
    let low = Octets(rest[0]) | Octets(rest[1]) &<< 8 | Octets(rest[2]) &<< 16 | Octets(rest[3]) &<< 24
    let high = Octets(rest[4]) | Octets(rest[5]) &<< 8 | Octets(rest[6]) &<< 16 | Octets(rest[7]) &<< 24
    return low | high &<< 32
  }

  /// The first index from `start` on of a control character other than HTAB, or `count`.
  @inline(__always)
  func firstControl(from start: Int) -> Int {
    var index = start
    while let octets = octets(at: index) {
      let hits = octets.controls
      if hits == 0 {
        index &+= 8
        continue
      }
      index &+= hits.lowestHit
      guard self[index] == UInt8(ascii: "\t") else { return index }
      index &+= 1
    }
    while index < count {
      let octet = self[index]
      if octet < 0x20 ? octet != UInt8(ascii: "\t") : octet == 0x7f { return index }
      index &+= 1
    }
    return count
  }

  /// The first index from `start` on of what a request target cannot hold (controls, SP, DEL, `#`, all beyond ASCII) or
  /// of `stop`, or `count`.
  @inline(__always)
  func firstOutsideTarget(from start: Int, orOf stop: UInt8) -> Int {
    var index = start
    while let octets = octets(at: index) {
      let hits = octets.notVisible | octets.equal(to: UInt8(ascii: "#")) | octets.equal(to: stop)
      if hits != 0 { return index &+ hits.lowestHit }
      index &+= 8
    }
    while index < count {
      let octet = self[index]
      if octet <= 0x20 || octet >= 0x7f || octet == UInt8(ascii: "#") || octet == stop { return index }
      index &+= 1
    }
    return count
  }
}
