/// A response head during parsing: first its lines one by one, then the evaluation of all of them.
struct ResponseReading: BitwiseCopyable {
  /// Complete once `read` has returned true.
  var head = ResponseHead()
  private var framing = FramingFields()
  private var framingLine = FramingLine()
  private var options = ConnectionOptions()
  private var sawUpgrade = false
  /// Whether there is exactly one Upgrade line, with `websocket`.
  private var switchesToWebSocket = false

  /// False when the head is incomplete.
  mutating func read(
    _ bytes: Span<UInt8>, to request: AnsweredRequest, limits: HeadLimits
  ) throws(Rejection) -> Bool {
    guard let line = try StatusLine(bytes) else { return false }
    var lines = FieldLines(bytes, from: line.end, limit: limits.fieldLines)
    reading: while true {
      switch try lines.next() {
      case .incomplete: return false
      case .end: break reading
      case .line: try note(lines, of: bytes)
      }
    }
    head.length = lines.position
    try judge(line, to: request, of: bytes)
    return true
  }

  /// Processes the line that `lines` has just read.
  private mutating func note(_ lines: borrowing FieldLines, of bytes: Span<UInt8>) throws(Rejection) {
    let value = lines.value
    switch lines.field {
    case .connection:
      try options.note(value, of: bytes)
      try head.edits.add(lines.line, .drop)
    case .contentLength:
      framing.noteContentLength(value, of: bytes)
      framingLine = FramingLine(lines)
    case .transferEncoding:
      framing.noteTransferEncoding(value, of: bytes)
      framingLine = FramingLine(lines)
    case .upgrade:
      switchesToWebSocket = !sawUpgrade && FieldName(value, of: bytes).isWebSocket
      sawUpgrade = true
      try head.edits.add(lines.line, lines.isTrimmed(in: bytes) ? .dropUnlessUpgrade : .writeAnewForUpgrade)
    case .wwwAuthenticate, .proxyAuthenticate:
      if ConnectionAuthentication.isNamed(by: value, of: bytes) { head.bindsAuthentication = true }
    case .persistentAuth:
      head.bindsAuthentication = true
    case .keepAlive, .proxyConnection, .close:
      try head.edits.add(lines.line, .drop)
    case .other, .host, .te, .expect, .authorization, .proxyAuthorization, .forwarded, .forwardedFor, .forwardedProto,
      .forwardedHost, .forwardedOther, .realIP, .proxyClaim, .certificateClaim, .proxy:
      break
    }
  }

  /// Evaluates the response, once its head was read.
  private mutating func judge(
    _ line: StatusLine, to request: AnsweredRequest, of bytes: Span<UInt8>
  ) throws(Rejection) {
    head.status = line.status
    head.version = line.version
    head.hasReasonSpace = line.hasReasonSpace
    head.framing = try .ofResponse(framing, status: line.status, version: line.version, to: request)
    head.keepAlive = head.framing != .untilClose && options.persists(in: line.version)
    if line.status == 101 {
      // RFC 9110 §15.2.2, §7.8: only when requested, and with the fields for it; otherwise one side would send frames
      // and the other requests.
      guard request.upgradeRequested, line.version == .http11 else { throw .upgradeNotRequested }
      guard switchesToWebSocket, options.upgrade else { throw .upgradeMalformed }
    }
    if !framingLine.isAbsent {
      if line.status < 200 || line.status == 204 {
        // A length of zero, the only one possible here; see the table of framing.
        try head.edits.add(framingLine.line, .drop)
      } else {
        try framingLine.normalise(framing, of: bytes, into: &head.edits)
      }
    }
    if options.nominationCount > 0 { try head.edits.dropLines(nominatedBy: options, from: line.end, of: bytes) }
  }
}
