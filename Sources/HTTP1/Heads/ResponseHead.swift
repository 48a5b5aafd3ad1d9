/// The parsed head of one response: offsets in the span it was parsed from, and what its fields mean.
public struct ResponseHead: BitwiseCopyable, Sendable {
  /// The size of the head, including the empty line at its end.
  public internal(set) var length = 0
  /// `.none` also for a length of zero.
  public internal(set) var framing = Framing.none
  /// 100 to 599.
  public internal(set) var status: UInt16 = 0
  public internal(set) var version = Version.http11
  /// Whether the server keeps its connection open (RFC 9112 §9.3). False for a body until close.
  public internal(set) var keepAlive = false
  /// Whether the response authenticates the connection instead of the request (NTLM, Negotiate): the connection must
  /// not serve another client afterwards.
  public internal(set) var bindsAuthentication = false

  // For `render`: whether there is a SP after the status code, and the edits.
  var hasReasonSpace = true
  var edits = LineEdits()

  /// A 1xx other than 101: another response follows. Not forwarded to HTTP/1.0 clients (RFC 9110 §15.2).
  public var isInterim: Bool { status < 200 && status != 101 }
  /// 101: both directions are an opaque stream from here on.
  public var isUpgrade: Bool { status == 101 }

  /// Parses one response head at the start of `bytes`. After a rejection the client gets 502.
  public static func parse(
    _ bytes: Span<UInt8>, to request: AnsweredRequest, limits: HeadLimits
  ) -> Parsed<ResponseHead> {
    var reading = ResponseReading()
    do throws(Rejection) {
      let allowed = bytes.extracting(first: limits.bytes)
      if try reading.read(allowed, to: request, limits: limits) { return .head(reading.head) }
    } catch {
      return .rejected(error)
    }
    return bytes.count < limits.bytes ? .incomplete : .rejected(.headTooLarge)
  }
}
