/// A request head during parsing: first its lines one by one, then the evaluation of all of them.
struct RequestReading: BitwiseCopyable {
  /// Complete once `read` has returned true.
  var head = RequestHead()
  private var framing = FramingFields()
  private var framingLine = FramingLine()
  private var options = ConnectionOptions()
  private var hasHost = false
  private var expectLine = ByteRange.absent
  private var expectation = (raw: ByteRange.absent, value: ByteRange.absent)
  private var sawUpgrade = false
  /// Whether there is exactly one Upgrade line, with `websocket`.
  private var asksForWebSocket = false

  /// False when the head is incomplete.
  mutating func read(_ bytes: Span<UInt8>, limits: HeadLimits) throws(Rejection) -> Bool {
    if bytes.count == 1, bytes[0] == UInt8(ascii: "\r") { return false }
    let start = bytes.emptyLineCount
    guard let line = try RequestLine(bytes, from: start, limits: limits) else { return false }
    var lines = FieldLines(bytes, from: line.end, limit: limits.fieldLines)
    reading: while true {
      switch try lines.next() {
      case .incomplete: return false
      case .end: break reading
      case .line: try note(lines, of: bytes)
      }
    }
    head.start = UInt16(truncatingIfNeeded: start)
    head.length = lines.position
    try judge(line, limits, of: bytes)
    return true
  }

  /// Processes the line that `lines` has just read.
  private mutating func note(_ lines: borrowing FieldLines, of bytes: Span<UInt8>) throws(Rejection) {
    let value = lines.value
    switch lines.field {
    case .host:
      guard !hasHost else { throw .hostRepeated }
      // RFC 9112 §3.2: empty when the client has no host name.
      guard value.isEmpty || Authority(value.slice(of: bytes)) != nil else { throw .hostMalformed }
      hasHost = true
      head.host = value
      try head.edits.trim(lines.rawValue, to: value, of: bytes)
    case .connection:
      try options.note(value, of: bytes)
      try head.edits.add(lines.line, .drop)
    case .contentLength:
      framing.noteContentLength(value, of: bytes)
      framingLine = FramingLine(lines)
    case .transferEncoding:
      framing.noteTransferEncoding(value, of: bytes)
      framingLine = FramingLine(lines)
    case .expect:
      guard expectLine.isEmpty, FieldName(value, of: bytes).isContinue else { throw .expectationUnknown }
      expectLine = lines.line
      expectation = (lines.rawValue, value)
    case .upgrade:
      asksForWebSocket = !sawUpgrade && FieldName(value, of: bytes).isWebSocket
      sawUpgrade = true
      try head.edits.add(lines.line, lines.isTrimmed(in: bytes) ? .dropUnlessUpgrade : .writeAnewForUpgrade)
    case .authorization:
      if ConnectionAuthentication.isNamed(by: value, of: bytes) { head.bindsAuthentication = true }
    case .forwardedFor:
      head.forwardedForEnd = UInt16(truncatingIfNeeded: lines.line.end)
      try head.edits.add(lines.line, .clientAddress)
    case .forwardedProto:
      head.hasForwardedProto = true
      try head.edits.add(lines.line, .dropUnlessTrusted)
    case .forwardedHost:
      head.hasForwardedHost = true
      try head.edits.add(lines.line, .dropUnlessTrusted)
    case .forwardedOther, .realIP, .proxyClaim:
      try head.edits.add(lines.line, .dropUnlessTrusted)
    case .certificateClaim:
      try head.edits.add(lines.line, .certificateClaim)
    // RFC 9110 §7.6.1; §11.7.2: proxy credentials are for the first proxy, not for servers. TE is not replaced with our
    // own: trailers are relayed, but not requested. For `Forwarded` see `ForwardedFields`.
    case .keepAlive, .proxyConnection, .close, .te, .proxyAuthorization, .forwarded, .proxy:
      try head.edits.add(lines.line, .drop)
    case .other, .wwwAuthenticate, .proxyAuthenticate, .persistentAuth:
      break
    }
  }

  /// Evaluates the request, once all lines were read.
  private mutating func judge(
    _ line: RequestLine, _ limits: HeadLimits, of bytes: Span<UInt8>
  ) throws(Rejection) {
    // RFC 9112 §3.2: an HTTP/1.1 request without Host is refused. §3.2.2 would let the target's authority replace a
    // different Host; two names for one request are ambiguous.
    if !hasHost, line.version == .http11 || line.targetForm == .absolute { throw .hostMissing }
    if line.targetForm == .absolute { try rewriteTarget(line, of: bytes) }
    head.method = line.method
    head.version = line.version
    head.targetForm = line.targetForm
    head.methodName = line.methodName
    head.target = line.target
    head.path = line.path
    head.pathAndQuery = line.pathAndQuery

    head.framing = try .ofRequest(
      framing, method: line.method, version: line.version, allowsContentInGet: limits.allowsContentInGet)
    if !framingLine.isAbsent { try framingLine.normalise(framing, of: bytes, into: &head.edits) }
    head.keepAlive = options.persists(in: line.version)
    if !expectLine.isEmpty { try checkExpectation(of: bytes) }
    if options.upgrade, asksForWebSocket {
      head.upgradeRequested = line.method == .get && line.version == .http11 && head.framing == .none
    }
    if options.nominationCount > 0 { try head.edits.dropLines(nominatedBy: options, from: line.end, of: bytes) }
  }

  /// RFC 9110 §10.1.1: ignored in HTTP/1.0. Also dropped without content, where servers behave differently.
  private mutating func checkExpectation(of bytes: Span<UInt8>) throws(Rejection) {
    head.expectsContinue = head.version == .http11 && head.framing != .none
    if head.expectsContinue {
      try head.edits.trim(expectation.raw, to: expectation.value, of: bytes)
    } else {
      try head.edits.add(expectLine, .drop)
    }
  }

  /// An absolute-form target is forwarded in origin form (RFC 9112 §3.2.1), for OPTIONS without a path as `*` (§3.2.4).
  private mutating func rewriteTarget(_ line: RequestLine, of bytes: Span<UInt8>) throws(Rejection) {
    let authority = line.authority.slice(of: bytes)
    guard Authority(authority) != nil else { throw .targetAuthorityMalformed }
    guard authority.equalsIgnoringCase(head.host.slice(of: bytes)) else { throw .targetAuthorityNotHost }
    let removed = ByteRange(start: line.target.start, end: line.authority.end)
    if !line.path.isEmpty {
      try head.edits.add(removed, .drop)
    } else {
      let asksServer = line.method == .options && line.pathAndQuery.isEmpty
      try head.edits.add(removed, asksServer ? .replaceWithAsterisk : .replaceWithSlash)
    }
  }
}
