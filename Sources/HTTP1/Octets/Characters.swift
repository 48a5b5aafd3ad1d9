/// Classes of octets (RFC 9110 §5.6).
extension UInt8 {
  /// SP or HTAB.
  @inline(always)
  var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

  var isUpperCaseLetter: Bool { self &- UInt8(ascii: "A") < 26 }

  var isLetterOrDigit: Bool { (self | 0x20) &- UInt8(ascii: "a") < 26 || isDigit }

  var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

  /// An ASCII letter in lower case, any other octet unchanged.
  var lowerCased: UInt8 { isUpperCaseLetter ? self | 0x20 : self }

  /// An octet of a field value or quoted string: HTAB, SP, VCHAR and obs-text.
  var isInValue: Bool { self >= 0x20 ? self != 0x7f : self == UInt8(ascii: "\t") }

  /// tchar (RFC 9110 §5.6.2).
  var isTokenCharacter: Bool {
    if isLetterOrDigit { return true }
    switch self {
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      return true
    default: return false
    }
  }
}

extension Span<UInt8> {
  /// `start..<end` without leading and trailing white space (OWS, RFC 9110 §5.6.3).
  @inline(always)
  func withoutBlanks(from start: Int, to end: Int) -> ByteRange {
    var (start, end) = (start, end)
    while start < end, self[start].isBlank { start &+= 1 }
    while end > start, self[end &- 1].isBlank { end &-= 1 }
    return ByteRange(start: start, end: end)
  }

  /// Whether both texts are equal, ignoring the case of ASCII letters.
  func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index].lowerCased != other[index].lowerCased { return false }
    return true
  }
}
