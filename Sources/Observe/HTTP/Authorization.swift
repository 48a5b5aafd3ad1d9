import Wire

/// The credentials of a request (RFC 9110 §11.6.2): `Bearer TOKEN` as Prometheus sends it, or `Basic` with the token as
/// the password, as browsers do.
enum Authorization {
  /// The token that these credentials contain; nil if there is none.
  static func token(in field: String) -> [UInt8]? {
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let credentials = String(parts[1]).trimmed
    switch parts[0].lowercased() {
    case "bearer": return Array(credentials.utf8)
    case "basic":
      guard let pair = decodedBase64(credentials), let colon = pair.firstIndex(of: UInt8(ascii: ":")) else {
        return nil
      }
      return Array(pair[(colon + 1)...])
    default: return nil
    }
  }

  /// RFC 4648 §4; nil for other text.
  private static func decodedBase64(_ text: String) -> [UInt8]? {
    var bits: UInt32 = 0
    var count = 0
    var bytes: [UInt8] = []
    var digits = Array(text.utf8)
    while digits.last == UInt8(ascii: "="), text.utf8.count - digits.count < 2 { digits.removeLast() }
    for digit in digits {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        bits &= 1 << UInt32(count) - 1
      }
    }
    return bytes
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
