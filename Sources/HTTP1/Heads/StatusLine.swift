/// The first line of a response (RFC 9112 §4).
struct StatusLine: BitwiseCopyable {
  let version: Version
  let status: UInt16
  /// Whether there is a SP after the status code. The grammar requires it, many servers omit it, and nothing depends on
  /// it: it is added.
  let hasReasonSpace: Bool
  /// Where the first field line starts.
  let end: Int

  /// The length of `HTTP/1.1 200`.
  static let codeEnd = 12

  /// Parses the line at the start of `bytes`; nil when it is incomplete.
  @inline(always)
  init?(_ bytes: Span<UInt8>) throws(Rejection) {
    guard bytes.count >= 8, bytes.firstOctets | 1 &<< 56 == 0x312e_312f_5054_5448 else {  // HTTP/1.1
      try StatusLine.refuseVersion(of: bytes)
      return nil
    }
    version = bytes.firstOctets == 0x312e_312f_5054_5448 ? .http11 : .http10
    guard bytes.count > StatusLine.codeEnd else { return nil }
    guard bytes[8] == UInt8(ascii: " "), bytes[9].isDigit, bytes[10].isDigit, bytes[11].isDigit else {
      throw .statusLineMalformed
    }
    let code = UInt16(bytes[9]) &* 100 &+ UInt16(bytes[10]) &* 10 &+ UInt16(bytes[11])
    status = code &- UInt16(UInt8(ascii: "0")) &* 111
    // RFC 9110 §15: values outside the range 100..599 are invalid.
    guard status >= 100, status <= 599 else { throw .statusCodeInvalid }
    hasReasonSpace = bytes[StatusLine.codeEnd] == UInt8(ascii: " ")
    guard hasReasonSpace || bytes[StatusLine.codeEnd] == UInt8(ascii: "\r") else { throw .statusLineMalformed }
    var rest = bytes.extracting(droppingFirst: StatusLine.codeEnd)
    rest.dropValue()
    guard rest.count > 0 else { return nil }
    guard rest[0] == UInt8(ascii: "\r") else { throw Rejection(control: rest[0]) }
    guard rest.count > 1 else { return nil }
    guard rest[1] == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
    end = bytes.count &- rest.count &+ 2
  }

  /// Throws when the bytes can't be the start of a supported version.
  private static func refuseVersion(of bytes: Span<UInt8>) throws(Rejection) {
    let text: Octets = 0x002e_312f_5054_5448  // HTTP/1.
    for index in 0..<min(bytes.count, 7) {
      let expected = UInt8(truncatingIfNeeded: text &>> Octets(truncatingIfNeeded: index &* 8))
      guard bytes[index] == expected else { throw .statusLineMalformed }
    }
    if bytes.count >= 8 { throw .versionNotSupported }
  }
}
