import Wire

/// Paths that nearly all requests have: their form as a `ComparedPath` differs from the path in nothing but the case of
/// letters and a final slash, so they are compared as they are.
extension Span<UInt8> {
  /// Letters, digits and `-`, `_`, `!`, `$`, `&`, `'`, `(`, `)`, `*`, `+`, `,`, `=`, `@` in segments that are not empty, and
  /// dots, but not at a segment's end.
  var isPlainPath: Bool {
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

extension UInt8 {
  /// As a set of bits, which takes fewer instructions than comparisons.
  fileprivate var isPlain: Bool {
    let set: UInt64 = self < 64 ? 0x23ff_3fd2_0000_0000 : self < 128 ? 0x07ff_fffe_87ff_ffff : 0
    return set &>> UInt64(self & 63) & 1 != 0
  }
}
