/// How large a head may be, and what is left to the operator. What goes beyond is refused before it is understood.
public struct HeadLimits: BitwiseCopyable, Hashable, Sendable {
  /// Bytes from the first of the start line to the last of the empty line. A leased buffer has 17 KB; the default
  /// leaves room in it for the fields that rewriting adds. For more, larger ones are made where a head needs them.
  public let bytes: Int
  /// Field lines in one head, or in one trailer section.
  public let fieldLines: Int
  /// Bytes of the request target. RFC 9112 §3 recommends to support at least 8,000 bytes of request line.
  public let requestTarget: Int
  /// Whether a GET may have content. A server that leaves it unread would take it for the next request (RFC 9110
  /// §9.3.1), so its connection is closed behind such a request.
  public let allowsContentInGet: Bool

  /// The most that a `ByteRange` can address.
  public static let maximumBytes = 65_535

  /// Values outside what is possible become its nearest end.
  public init(
    bytes: Int = 15_360, fieldLines: Int = 100, requestTarget: Int = 8_192, allowsContentInGet: Bool = false
  ) {
    self.bytes = min(max(bytes, 0), HeadLimits.maximumBytes)
    self.fieldLines = max(fieldLines, 0)
    self.requestTarget = max(requestTarget, 0)
    self.allowsContentInGet = allowsContentInGet
  }
}
