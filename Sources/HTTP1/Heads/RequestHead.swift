/// The parsed head of one request: offsets in the span it was parsed from, and what its fields mean.
///
/// It contains no bytes. `length` bytes of the span belong to it; the body, or the next request, follows.
public struct RequestHead: BitwiseCopyable, Sendable {
  /// The size of the head, including an ignored empty line before it (RFC 9112 §2.2) and the empty line at its end.
  public internal(set) var length = 0
  /// `.none` also for a length of zero; never `.untilClose`.
  public internal(set) var framing = Framing.none
  public internal(set) var method = Method.other
  public internal(set) var version = Version.http11
  public internal(set) var targetForm = TargetForm.origin
  /// Whether the client keeps its connection open (RFC 9112 §9.3).
  public internal(set) var keepAlive = false
  /// Whether the client waits for 100 (Continue) before it sends its body (RFC 9110 §10.1.1).
  public internal(set) var expectsContinue = false
  /// Whether it requests a WebSocket (RFC 6455 §4.1). Other protocols are not offered to the server: their `Upgrade` is
  /// dropped, as RFC 9110 §7.8 allows. Bytes after such a head and before its response must be refused with
  /// `Rejection.bytesBehindUpgrade`: only the server's response decides whether they are a frame or a request.
  public internal(set) var upgradeRequested = false
  /// Whether it has credentials that authenticate the connection instead of the request (NTLM, Negotiate): its server
  /// connection must not serve another client afterwards.
  public internal(set) var bindsAuthentication = false
  /// The method as written.
  public internal(set) var methodName = ByteRange.absent
  /// The request target as written.
  public internal(set) var target = ByteRange.absent
  /// The path without its query; empty for the asterisk form and for an absolute form without a path (which means `/`).
  public internal(set) var path = ByteRange.absent
  /// The path and the query, including its `?`.
  public internal(set) var pathAndQuery = ByteRange.absent
  /// The value of Host, including a port, trimmed of white space. Absent when the field is empty, as it is without a
  /// host name, and in HTTP/1.0 also when there is no field.
  public internal(set) var host = ByteRange.absent

  // For `render`: the start of the request line, the end of the last X-Forwarded-For line or 0, and the edits.
  var start: UInt16 = 0
  var forwardedForEnd: UInt16 = 0
  var hasForwardedProto = false
  var hasForwardedHost = false
  var edits = LineEdits()

  /// Whether it may be retried automatically (RFC 9110 §9.2.2).
  public var isIdempotent: Bool { method.isIdempotent }

  /// For a request that rules for paths have admitted: what a trusted proxy says of its path is not passed on, since a
  /// server may serve that one instead. `bytes`: those that the head was parsed from. Throws when there are too many.
  public mutating func dropPathClaims(of bytes: Span<UInt8>) throws(Rejection) {
    try edits.dropPathClaims(of: bytes)
  }

  /// Parses one request head at the start of `bytes`.
  public static func parse(_ bytes: Span<UInt8>, limits: HeadLimits) -> Parsed<RequestHead> {
    let allowed = bytes.extracting(first: limits.bytes)
    var reading = RequestReading()
    do throws(Rejection) {
      if try reading.read(allowed, limits: limits) { return .head(reading.head) }
    } catch {
      return .rejected(error)
    }
    guard bytes.count >= limits.bytes else { return .incomplete }
    return .rejected(allowed.hasLine(from: allowed.emptyLineCount) ? .headTooLarge : .targetTooLong)
  }
}

extension Span<UInt8> {
  /// The size of an empty line at the start, which is ignored (RFC 9112 §2.2): 2 or 0.
  var emptyLineCount: Int {
    count >= 2 && self[0] == UInt8(ascii: "\r") && self[1] == UInt8(ascii: "\n") ? 2 : 0
  }

  fileprivate func hasLine(from start: Int) -> Bool {
    for index in start..<count where self[index] == UInt8(ascii: "\n") { return true }
    return false
  }
}
