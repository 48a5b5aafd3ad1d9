import Wire

/// `uri-host [ ":" port ]` in Host and in an absolute-form target (RFC 9110 §4.2, §7.2).
///
/// Narrower than RFC 3986: a registered name consists of the bytes of a `HostName`. Others, such as percent-encoding and
/// sub-delimiters (`,` too), occur in no real host name, and servers parse them differently. No userinfo, no IPvFuture, no
/// zone, no empty host, no empty port.
struct Authority: BitwiseCopyable, Sendable {
  /// The host without its port; an IP literal with its brackets.
  let host: ByteRange

  /// Nil when `text` is not such an authority.
  init?(_ text: Span<UInt8>) {
    var end = 0
    if text.count > 0, text[0] == UInt8(ascii: "[") {
      while end < text.count, text[end] != UInt8(ascii: "]") { end &+= 1 }
      guard end < text.count, Authority.isIPv6(text.extracting(1..<end)) else { return nil }
      end &+= 1
    } else {
      var rest = text
      while rest.count >= 8, rest.firstOctets.notInHost == 0 { rest.drop(8) }
      while rest.count > 0, HostName.isNameByte(rest[0]) { rest.drop(1) }
      end = text.count &- rest.count
      guard end > 0 else { return nil }
    }
    guard end == text.count || Authority.isPort(text.extracting(end..<text.count)) else { return nil }
    host = ByteRange(start: 0, end: end)
  }

  private static func isIPv6(_ text: Span<UInt8>) -> Bool {
    var hasColon = false
    for index in text.indices where text[index] == UInt8(ascii: ":") { hasColon = true }
    return hasColon && (try? IPAddress(parsing: text)) != nil
  }

  /// A colon and 1 to 65535 in decimal.
  private static func isPort(_ text: Span<UInt8>) -> Bool {
    guard text.count >= 2, text.count <= 6, text[0] == UInt8(ascii: ":") else { return false }
    var port = 0
    for index in 1..<text.count {
      guard text[index].isDigit else { return false }
      port = port &* 10 &+ Int(text[index] &- UInt8(ascii: "0"))
    }
    return port >= 1 && port <= 65_535
  }
}
