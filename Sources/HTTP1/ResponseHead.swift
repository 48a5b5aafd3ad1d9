/// The head of one answer, understood: offsets into the span it was parsed from, and what follows from its fields.
package struct ResponseHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, the empty line at its end included.
  package let length: Int
  /// 100 to 599.
  package let status: UInt16
  package let version: Version
  /// `.none` also when a length of zero is given.
  package let framing: Framing
  /// Whether the server would go on using its connection (RFC 9112 §9.3). Never with a body until close.
  package let keepAlive: Bool
  /// Whether the answer authenticates the connection, not the request (NTLM, Negotiate): the connection may serve no
  /// other client from then on.
  package let bindsAuthentication: Bool
  package let hasReasonSpace: Bool
  package let edits: LineEdits

  /// A 1xx other than 101: another answer follows. To be kept from HTTP/1.0 clients (RFC 9110 §15.2).
  package var isInterim: Bool { status < 200 && status != 101 }
  /// 101: both directions are an opaque stream from here on.
  package var isUpgrade: Bool { status == 101 }
}

extension ResponseHead {
  /// Reads one answer's head from the start of `bytes`. What is refused here becomes a 502 for the client.
  package static func parse(
    _ bytes: Span<UInt8>, to request: AnsweredRequest, limits: HeadLimits
  ) -> Parsed<ResponseHead> {
    do throws(Rejection) {
      let allowed = bytes.extracting(first: limits.bytes)
      if let head = try ResponseHead(reading: allowed, to: request, limits: limits) { return .head(head) }
    } catch {
      return .rejected(error)
    }
    return bytes.count < limits.bytes ? .incomplete : .rejected(.headTooLarge)
  }

  /// Nil when the bytes run out first.
  private init?(
    reading bytes: Span<UInt8>, to request: AnsweredRequest, limits: HeadLimits
  ) throws(Rejection) {
    guard let line = try StatusLine(bytes) else { return nil }
    var fields = ResponseFields()
    var lines = FieldLines(bytes, from: line.end)
    var count = 0
    reading: while true {
      switch try lines.next() {
      case .incomplete: return nil
      case .end: break reading
      case .line:
        count &+= 1
        guard count <= limits.fieldLines else { throw .tooManyFieldLines }
        let field = KnownField(lines.name)
        if field != .other { try fields.note(field, lines, of: bytes) }
      }
    }
    try self.init(line, fields, to: request, length: lines.position, of: bytes)
  }

  /// Judges what was read.
  private init(
    _ line: StatusLine, _ fields: consuming ResponseFields, to request: AnsweredRequest, length: Int,
    of bytes: Span<UInt8>
  ) throws(Rejection) {
    framing = try .ofResponse(fields.framing, status: line.status, version: line.version, to: request)
    if line.status == 101 {
      // RFC 9110 §15.2.2, §7.8: only what was asked for, with the fields that say so; or one side goes on with frames
      // and the other with requests.
      guard request.upgradeRequested, line.version == .http11 else { throw .upgradeNotRequested }
      guard fields.switchesToWebSocket, fields.options.upgrade else { throw .upgradeMalformed }
    }
    if line.status < 200 || line.status == 204 {
      // A length of zero, the only one that got here; see the table of framing.
      if !fields.framingLine.line.isEmpty { try fields.edits.add(fields.framingLine.line, .drop) }
    } else {
      try fields.framingLine.normalise(fields.framing, of: bytes, into: &fields.edits)
    }
    if fields.options.nominationCount > 0 {
      try fields.edits.dropLines(nominatedBy: fields.options, from: line.end, of: bytes)
    }
    self.length = length
    status = line.status
    version = line.version
    keepAlive = framing != .untilClose && fields.options.persists(in: line.version)
    bindsAuthentication = fields.bindsAuthentication
    hasReasonSpace = line.hasReasonSpace
    edits = fields.edits
  }
}
