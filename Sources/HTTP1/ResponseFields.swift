/// What the field section of an answer says, gathered line by line.
struct ResponseFields: BitwiseCopyable {
  var framing = FramingFields()
  var framingLine = FramingLine()
  var options = ConnectionOptions()
  /// Whether there is one Upgrade line, and it says `websocket`.
  var switchesToWebSocket = false
  var bindsAuthentication = false
  var edits = LineEdits()
  private var sawUpgrade = false

  init() {}

  /// Takes the line that `lines` has just read, whose name is `field`.
  @inline(never)
  mutating func note(_ field: KnownField, _ lines: borrowing FieldLines, of bytes: Span<UInt8>) throws(Rejection) {
    let value = lines.value
    switch field {
    case .connection:
      try options.note(value, of: bytes)
      try edits.add(lines.line, .drop)
    case .contentLength:
      framing.noteContentLength(value, of: bytes)
      framingLine = FramingLine(lines)
    case .transferEncoding:
      framing.noteTransferEncoding(value, of: bytes)
      framingLine = FramingLine(lines)
    case .upgrade:
      switchesToWebSocket = !sawUpgrade && FieldName(value, of: bytes).isWebSocket
      sawUpgrade = true
      try edits.add(lines.line, .dropUnlessUpgrade)
    case .wwwAuthenticate, .proxyAuthenticate:
      if ConnectionAuthentication.isNamed(by: value, of: bytes) { bindsAuthentication = true }
    case .persistentAuth:
      bindsAuthentication = true
    case .keepAlive, .proxyConnection:
      try edits.add(lines.line, .drop)
    case .other, .host, .te, .expect, .authorization, .proxyAuthorization, .forwarded, .forwardedFor, .forwardedProto,
      .forwardedHost, .forwardedOther, .realIP:
      break
    }
  }
}
