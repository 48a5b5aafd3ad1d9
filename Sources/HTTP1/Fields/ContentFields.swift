extension ResponseHead {
  /// Whether the content has the type `text/xml` and no coding (RFC 9110 §8.3, §8.4). `bytes` start with the response's
  /// head, which was parsed before.
  public static func announcesXML(_ bytes: Span<UInt8>) -> Bool {
    var lines = FieldLines(ofHead: bytes)
    var isXML = false
    while (try? lines.next(all: true)) == .line {
      switch lines.name(in: bytes) {
      case contentType:
        guard FieldName(mediaType(lines.value, of: bytes), of: bytes) == xml else { return false }
        isXML = true
      case contentEncoding:
        guard FieldName(lines.value, of: bytes) == identity else { return false }
      default: break
      }
    }
    return isXML
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
