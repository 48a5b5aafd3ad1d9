import Wire

/// Checks the outermost elements of a DER message (X.690 §8, §10.1) for exact length, which OpenSSL's parsers leave to
/// their callers.
public enum DEREnvelope {
  private static let enumerated: UInt8 = 0x0a
  private static let octetString: UInt8 = 0x04
  private static let objectIdentifier: UInt8 = 0x06
  private static let sequence: UInt8 = 0x30
  private static let firstExplicit: UInt8 = 0xa0

  /// Whether these bytes are exactly one OCSPResponse (RFC 6960 §4.2.1), including the basic response inside it. Its
  /// contents are not checked.
  public static func isOCSPResponse(_ bytes: Span<UInt8>) -> Bool {
    do throws(ByteReader.Failure) {
      var outside = ByteReader(bytes)
      var response = ByteReader(try outside.readElement(sequence))
      try outside.expectEnd()
      _ = try response.readElement(enumerated)
      // An unsuccessful response has no more elements.
      if response.remaining == 0 { return true }
      var packed = ByteReader(try response.readElement(firstExplicit))
      try response.expectEnd()
      var typed = ByteReader(try packed.readElement(sequence))
      try packed.expectEnd()
      _ = try typed.readElement(objectIdentifier)
      var inside = ByteReader(try typed.readElement(octetString))
      try typed.expectEnd()
      _ = try inside.readElement(sequence)
      try inside.expectEnd()
      return true
    } catch { return false }
  }
}

extension ByteReader {
  /// The content of the next element, which must have this identifier octet and a minimal length encoding.
  @_lifetime(copy self) @_lifetime(self: copy self)
  fileprivate mutating func readElement(_ identifier: UInt8) throws(Failure) -> Span<UInt8> {
    guard try readUInt8() == identifier else { throw .truncated }
    let first = try readUInt8()
    guard first >= 0x80 else { return try readBytes(Int(first)) }
    // Lengths of more than three octets are not used in practice; 0x80 means indefinite.
    guard 0x81...0x83 ~= first else { throw .truncated }
    var count = 0
    for _ in 0x80..<first { count = count << 8 | Int(try readUInt8()) }
    guard count >= (first == 0x81 ? 0x80 : first == 0x82 ? 0x100 : 0x1_0000) else { throw .truncated }
    return try readBytes(count)
  }
}
