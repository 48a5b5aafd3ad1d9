extension UInt8 {
  /// The value of an ASCII decimal digit.
  public var decimalDigit: UInt8? {
    let value = self &- UInt8(ascii: "0")
    return value < 10 ? value : nil
  }

  /// The value of an ASCII hexadecimal digit of either case.
  public var hexadecimalDigit: UInt8? {
    if let digit = decimalDigit { return digit }
    // Bit 5 is the case of an ASCII letter.
    let value = (self | 0x20) &- UInt8(ascii: "a")
    return value < 6 ? value + 10 : nil
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends a number in decimal, without leading zeros: at most 20 digits.
  public mutating func append(decimal number: UInt64) {
    var digits: [20 of UInt8] = .init(repeating: 0)
    var start = 20
    var rest = number
    repeat {
      let quotient = rest / 10
      start &-= 1
      digits[start] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
      rest = quotient
    } while rest > 0
    append(digits.span.extracting(start..<20))
  }

  /// Appends a number in lower-case hexadecimal, without leading zeros.
  public mutating func append(hexadecimal number: UInt64) {
    var shift = UInt64(max(0, 63 - number.leadingZeroBitCount) / 4 * 4)
    while true {
      let digit = UInt8(truncatingIfNeeded: number >> shift & 0xf)
      append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
      if shift == 0 { return }
      shift -= 4
    }
  }
}

/// A decimal number from 0 to `maximum` without sign or leading zeros; nil for anything else.
func parseDecimal(_ text: Span<UInt8>, maximum: Int) -> Int? {
  guard text.count > 0, text.count == 1 || text[0] != UInt8(ascii: "0") else { return nil }
  var value = 0
  for index in text.indices {
    guard let digit = text[index].decimalDigit else { return nil }
    value = value * 10 + Int(digit)
    guard value <= maximum else { return nil }
  }
  return value
}

extension Span<UInt8> {
  func firstIndex(of byte: UInt8) -> Int? {
    for index in indices where self[index] == byte { return index }
    return nil
  }

  func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }
}
