import FoundationEssentials
import Wire

/// Values as JSON (RFC 8259): one line, members in alphabetical order, `null` for unknown values.
package enum JSONText {
  /// Terminal control characters are escaped.
  package static func write(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("a number that is not finite") }
    let bytes = [UInt8](data)
    let text = String(decoding: bytes, as: UTF8.self)
    // The encoder has escaped those below 0x20.
    guard bytes.contains(where: { $0 >= 0x7f }) else { return text }
    var escaped = ""
    var rest = text.unicodeScalars[...]
    while let index = rest.firstIndex(where: { $0.value >= 0x7f && $0.isControl }) {
      escaped += String(rest[..<index])
      for unit in String(rest[index]).utf16 {
        escaped += "\\u" + String(0x1_0000 + UInt32(unit), radix: 16).dropFirst()
      }
      rest = rest[rest.index(after: index)...]
    }
    return escaped + String(rest)
  }

  /// Nested objects and arrays; valid input has four levels.
  private static let depthLimit = 16
  /// Bytes of a number; the longest valid one has 24.
  private static let numberLimit = 32

  static func read<Value: Decodable>(_ text: [UInt8]) throws(ControlFault) -> Value {
    guard isSafe(text) else { throw .malformed }
    do { return try JSONDecoder().decode(Value.self, from: Data(text)) } catch { throw ControlFault(error) }
  }
}

extension JSONText {
  /// Excludes input on which FoundationEssentials (Swift 6.3) traps: a number with very many digits and an exponent, or
  /// a bracket at the end beyond its depth limit. It also takes text with NUL bytes for another encoding.
  private static func isSafe(_ text: [UInt8]) -> Bool {
    var (depth, numberLength) = (0, 0)
    var (isInString, isEscaped) = (false, false)
    for byte in text {
      guard byte != 0 else { return false }
      if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        continue
      }
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        numberLength += 1
        guard numberLength <= numberLimit else { return false }
        continue
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        guard depth <= depthLimit else { return false }
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
      default: break
      }
      numberLength = 0
    }
    return true
  }
}

/// A member name, for objects that must have no unknown members.
struct MemberName: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init(stringLiteral: String) { stringValue = stringLiteral }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<MemberName> {
  /// Requires that the object has no other members than these.
  func requireOnly(_ names: Set<String>) throws(ControlFault) {
    for key in allKeys where !names.contains(key.stringValue) { throw .field(key.stringValue) }
  }
}

// Used by synthesised encoders for an optional member: it is written as null.
extension KeyedEncodingContainer {
  mutating func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
    try encode(value, forKey: key)
  }

  mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws { try encode(value, forKey: key) }

  mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try encode(value, forKey: key) }
}
