/// Parsing of the two fields that determine the end of a body.
extension FramingFields {
  /// Processes the value of one Content-Length line (RFC 9110 §8.6): 1*DIGIT. A list, a sign, an empty value and a
  /// leading zero (which some parse as octal) are malformed.
  mutating func noteContentLength(_ value: ByteRange, of bytes: Span<UInt8>) {
    guard contentLength == .absent else {
      contentLength = .repeated
      return
    }
    contentLength = FramingFields.parseLength(value.slice(of: bytes))
  }

  /// The most digits of a length: an exabyte fits, and nothing overflows.
  static let maximumLengthDigits = 18

  private static func parseLength(_ value: Span<UInt8>) -> ContentLength {
    guard value.count > 0, value.count == 1 || value[0] != UInt8(ascii: "0") else { return .malformed }
    var length: UInt64 = 0
    for index in value.indices {
      guard value[index].isDigit else { return .malformed }
      length = length &* 10 &+ UInt64(value[index] &- UInt8(ascii: "0"))
    }
    return value.count <= maximumLengthDigits ? .length(length) : .tooLarge
  }

  /// Processes the value of one Transfer-Encoding line (RFC 9112 §6.1): only `chunked` is accepted, in any case.
  mutating func noteTransferEncoding(_ value: ByteRange, of bytes: Span<UInt8>) {
    guard transferEncoding == .absent else {
      transferEncoding = .repeated
      return
    }
    transferEncoding = FramingFields.parseCodings(value, of: bytes)
  }

  /// Only `chunked` alone is known. A well-formed list with `chunked` once at its end, or without it, is an unknown
  /// coding; every other value is malformed.
  private static func parseCodings(_ value: ByteRange, of bytes: Span<UInt8>) -> TransferEncoding {
    if FieldName(value, of: bytes).isChunked { return .chunked }
    var codings = ListElements(of: value, in: bytes)
    var sawChunked = false
    while let coding = codings.next() {
      guard !sawChunked, !coding.isEmpty else { return .malformed }
      for index in coding.start..<coding.end where !bytes[index].isTokenCharacter { return .malformed }
      sawChunked = FieldName(coding, of: bytes).isChunked
    }
    return .unknown
  }
}
