import Wire

/// The SHA-256 digest of a certificate's DER encoding, for pinning.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Nil unless `bytes` has 32 bytes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// Nil unless the text is 64 hexadecimal digits.
  public init?(_ text: String) {
    guard let bytes = Hexadecimal.bytes(Array(text.utf8)) else { return nil }
    self.init(bytes: bytes)
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String { Hexadecimal.text(bytes) }
}

extension Fingerprint: Codable {
  /// From the text.
  public init(from decoder: any Decoder) throws {
    guard let fingerprint = Fingerprint(try String(from: decoder)) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: ""))
    }
    self = fingerprint
  }

  public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
