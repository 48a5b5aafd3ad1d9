/// The head of one answer, understood: offsets into the span it was parsed from, and what follows from its fields.
public struct ResponseHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, the empty line at its end included.
  public internal(set) var length = 0
  /// `.none` also when a length of zero is given.
  public internal(set) var framing = Framing.none
  /// 100 to 599.
  public internal(set) var status: UInt16 = 0
  public internal(set) var version = Version.http11
  /// Whether the server would go on using its connection (RFC 9112 §9.3). Never with a body until close.
  public internal(set) var keepAlive = false
  /// Whether the answer authenticates the connection, not the request (NTLM, Negotiate): the connection may serve no
  /// other client from then on.
  public internal(set) var bindsAuthentication = false

  // What `render` needs to know: whether the SP behind the status code is there, and what is not copied as it is.
  var hasReasonSpace = true
  var edits = LineEdits()

  /// A 1xx other than 101: another answer follows. To be kept from HTTP/1.0 clients (RFC 9110 §15.2).
  public var isInterim: Bool { status < 200 && status != 101 }
  /// 101: both directions are an opaque stream from here on.
  public var isUpgrade: Bool { status == 101 }

  /// Reads one answer's head from the start of `bytes`. What is refused here becomes a 502 for the client.
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
