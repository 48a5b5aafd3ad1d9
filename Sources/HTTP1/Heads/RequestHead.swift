/// The head of one request, understood: offsets into the span it was parsed from, and what follows from its fields.
///
/// It holds no bytes. `length` bytes of the span belong to it; the body, or the next request, begins behind them.
public struct RequestHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, an ignored empty line before it (RFC 9112 §2.2) and the empty line at its end included.
  public internal(set) var length = 0
  /// `.none` also when a length of zero is given; never `.untilClose`.
  public internal(set) var framing = Framing.none
  public internal(set) var method = Method.other
  public internal(set) var version = Version.http11
  public internal(set) var targetForm = TargetForm.origin
  /// Whether the client would go on using its connection (RFC 9112 §9.3).
  public internal(set) var keepAlive = false
  /// Whether the client waits for 100 (Continue) before it sends its body (RFC 9110 §10.1.1).
  public internal(set) var expectsContinue = false
  /// Whether it asks for a WebSocket (RFC 6455 §4.1). Other protocols are not offered to the server: their `Upgrade`
  /// is dropped, as RFC 9110 §7.8 allows. Bytes behind such a head, before its answer, are to be refused with
  /// `Rejection.bytesBehindUpgrade`: they are a frame or a request, and only the server's answer says which.
  public internal(set) var upgradeRequested = false
  /// Whether it carries credentials that authenticate the connection, not the request (NTLM, Negotiate): the server
  /// connection that it goes out on may serve no other client from then on.
  public internal(set) var bindsAuthentication = false
  /// The method as written.
  public internal(set) var methodName = ByteRange.absent
  /// The request target as written.
  public internal(set) var target = ByteRange.absent
  /// The path without its query; empty for the asterisk form and for an absolute form without a path (which means `/`).
  public internal(set) var path = ByteRange.absent
  /// The path and, with its `?`, the query.
  public internal(set) var pathAndQuery = ByteRange.absent
  /// The value of Host, port included, without the white space around it. Absent where the field is empty, as a request
  /// for no name may have it, and in HTTP/1.0 also where there is none.
  public internal(set) var host = ByteRange.absent

  // What `render` needs to know: where the request line begins, the end of the last X-Forwarded-For line or 0, and what
  // is not copied as it is.
  var start: UInt16 = 0
  var forwardedForEnd: UInt16 = 0
  var hasForwardedProto = false
  var hasForwardedHost = false
  var edits = LineEdits()

  /// Whether it may be sent again without asking (RFC 9110 §9.2.2).
  public var isIdempotent: Bool { method.isIdempotent }

  /// Reads one request head from the start of `bytes`.
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
  /// Bytes of one empty line at the start, which is ignored (RFC 9112 §2.2): 2 or 0.
  var emptyLineCount: Int {
    count >= 2 && self[0] == UInt8(ascii: "\r") && self[1] == UInt8(ascii: "\n") ? 2 : 0
  }

  fileprivate func hasLine(from start: Int) -> Bool {
    for index in start..<count where self[index] == UInt8(ascii: "\n") { return true }
    return false
  }
}
