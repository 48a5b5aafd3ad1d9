/// What the field section of a request says, gathered line by line.
struct RequestFields: BitwiseCopyable {
  var framing = FramingFields()
  var framingLine = FramingLine()
  var options = ConnectionOptions()
  var host = ByteRange.absent
  var expectLine = ByteRange.absent
  /// Whether there is one Upgrade line, and it says `websocket`.
  var asksForWebSocket = false
  var bindsAuthentication = false
  var rewriting = RequestRewriting()
  private var sawUpgrade = false

  init() {}

  /// Takes the line that `lines` has just read, whose name is `field`.
  @inline(never)
  mutating func note(_ field: KnownField, _ lines: borrowing FieldLines, of bytes: Span<UInt8>) throws(Rejection) {
    let value = lines.value
    switch field {
    case .host:
      guard host.isEmpty else { throw .hostRepeated }
      guard Authority(value.slice(of: bytes)) != nil else { throw .hostMalformed }
      host = value
    case .connection:
      try options.note(value, of: bytes)
      try rewriting.edits.add(lines.line, .drop)
    case .contentLength:
      framing.noteContentLength(value, of: bytes)
      framingLine = FramingLine(lines)
    case .transferEncoding:
      framing.noteTransferEncoding(value, of: bytes)
      framingLine = FramingLine(lines)
    case .expect:
      guard expectLine.isEmpty, FieldName(value, of: bytes).isContinue else { throw .expectationUnknown }
      expectLine = lines.line
    case .upgrade:
      asksForWebSocket = !sawUpgrade && FieldName(value, of: bytes).isWebSocket
      sawUpgrade = true
      try rewriting.edits.add(lines.line, .dropUnlessUpgrade)
    case .authorization:
      if ConnectionAuthentication.isNamed(by: value, of: bytes) { bindsAuthentication = true }
    case .forwardedFor, .forwardedProto, .forwardedHost, .forwardedOther, .realIP:
      try noteForwarded(field, lines.line)
    // RFC 9110 §7.6.1; §11.7.2: credentials for a proxy are for the first one, and are no server's business. TE is not
    // replaced by one of ours: trailers that come are relayed, none is asked for. `Forwarded` see `ForwardedFields`.
    case .keepAlive, .proxyConnection, .te, .proxyAuthorization, .forwarded:
      try rewriting.edits.add(lines.line, .drop)
    case .other, .wwwAuthenticate, .proxyAuthenticate, .persistentAuth:
      break
    }
  }

  private mutating func noteForwarded(_ field: KnownField, _ line: ByteRange) throws(Rejection) {
    switch field {
    case .forwardedFor: rewriting.forwardedForEnd = UInt16(truncatingIfNeeded: line.end)
    case .forwardedProto: rewriting.hasForwardedProto = true
    case .forwardedHost: rewriting.hasForwardedHost = true
    default: break
    }
    try rewriting.edits.add(line, field == .forwardedFor ? .clientAddress : .dropUnlessTrusted)
  }
}
