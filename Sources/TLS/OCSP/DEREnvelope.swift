import Wire

/// The outermost elements of a message in DER (X.690 §8, §10.1): whether it ends where it says, which OpenSSL's readers
/// leave to their callers.
public enum DEREnvelope {
  private static let enumerated: UInt8 = 0x0a
  private static let octetString: UInt8 = 0x04
  private static let objectIdentifier: UInt8 = 0x06
  private static let sequence: UInt8 = 0x30
  private static let firstExplicit: UInt8 = 0xa0

  /// Whether these bytes are an OCSPResponse and nothing else (RFC 6960 §4.2.1), down to the response that is packed
  /// inside. What stands in that is not looked at.
  public static func isOCSPResponse(_ bytes: Span<UInt8>) -> Bool {
    do throws(ByteReader.Failure) {
      var outside = ByteReader(bytes)
      var response = ByteReader(try outside.readElement(sequence))
      try outside.expectEnd()
      _ = try response.readElement(enumerated)
      // Without success there is no more.
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
  /// The content of the next element, which must have this identifier octet. Its length is as short as it can be
  /// written.
  @_lifetime(copy self) @_lifetime(self: copy self)
  fileprivate mutating func readElement(_ identifier: UInt8) throws(Failure) -> Span<UInt8> {
    guard try readUInt8() == identifier else { throw .truncated }
    let first = try readUInt8()
    guard first >= 0x80 else { return try readBytes(Int(first)) }
    // More than three octets of length are more than anybody sends; 0x80 is an indefinite one.
    guard 0x81...0x83 ~= first else { throw .truncated }
    var count = 0
    for _ in 0x80..<first { count = count << 8 | Int(try readUInt8()) }
    guard count >= (first == 0x81 ? 0x80 : first == 0x82 ? 0x100 : 0x1_0000) else { throw .truncated }
    return try readBytes(count)
  }
}
