/// The limits of heads, and other settings for parsing. A head beyond a limit is refused.
public struct HeadLimits: BitwiseCopyable, Hashable, Sendable {
  /// Bytes from the start line to the empty line. A leased buffer has 17 KB; the default leaves room for the fields
  /// that rewriting adds. With a higher limit, larger buffers are allocated when a head needs them.
  public let bytes: Int
  /// Field lines in one head or one trailer section.
  public let fieldLines: Int
  /// Bytes of the request target. RFC 9112 §3 recommends supporting request lines of at least 8,000 bytes.
  public let requestTarget: Int
  /// Whether GET may have content. A server that leaves it unread would parse it as the next request (RFC 9110 §9.3.1),
  /// so its connection is closed after such a request.
  public let allowsContentInGet: Bool

  /// The most that a `ByteRange` can address.
  public static let maximumBytes = 65_535

  /// Values out of range are clamped.
  public init(
    bytes: Int = 15_360, fieldLines: Int = 100, requestTarget: Int = 8_192, allowsContentInGet: Bool = false
  ) {
    self.bytes = min(max(bytes, 0), HeadLimits.maximumBytes)
    self.fieldLines = max(fieldLines, 0)
    self.requestTarget = max(requestTarget, 0)
    self.allowsContentInGet = allowsContentInGet
  }
}
