extension ResponseHead {
  /// Why content can't be read as XML.
  public enum XMLFault: String, Sendable {
    case type = "its Content-Type is not text/xml"
    case coding = "it has a Content-Encoding"
  }

  /// Nil if the content has the type `text/xml` and no coding (RFC 9110 §8.3, §8.4). `bytes` start with the response's
  /// head, which was parsed before.
  public static func xmlFault(_ bytes: Span<UInt8>) -> XMLFault? {
    var lines = FieldLines(ofHead: bytes)
    var fault: XMLFault? = .type
    while (try? lines.next(all: true)) == .line {
      switch lines.name(in: bytes) {
      case contentType:
        guard FieldName(mediaType(lines.value, of: bytes), of: bytes) == xml else { return .type }
        fault = nil
      case contentEncoding:
        guard FieldName(lines.value, of: bytes) == identity else { return .coding }
      default: break
      }
    }
    return fault
  }

  private static let contentType = FieldName("content-type")
  private static let contentEncoding = FieldName("content-encoding")
  private static let xml = FieldName("text/xml")
  private static let identity = FieldName("identity")

  /// The value without its parameters.
  private static func mediaType(_ value: ByteRange, of bytes: Span<UInt8>) -> ByteRange {
    var end = value.start
    while end < value.end, bytes[end] != UInt8(ascii: ";"), !bytes[end].isBlank { end &+= 1 }
    return ByteRange(start: value.start, end: end)
  }
}
