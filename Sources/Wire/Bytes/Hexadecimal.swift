/// Bytes as text: two hexadecimal digits each.
public enum Hexadecimal {
  /// In lower case.
  public static func text(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: separator)
  }

  /// Decodes digits of either case; nil for anything else, and for an odd count.
  public static func bytes(_ digits: [UInt8]) -> [UInt8]? {
    let values = digits.compactMap(\.hexadecimalDigit)
    guard values.count == digits.count, values.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}
