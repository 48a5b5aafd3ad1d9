/// The head of one request, understood: offsets into the span it was parsed from, and what follows from its fields.
///
/// It holds no bytes. `length` bytes of the span belong to it; the body, or the next request, begins behind them.
package struct RequestHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, an ignored empty line before it (RFC 9112 §2.2) and the empty line at its end included.
  package let length: Int
  package let method: Method
  package let version: Version
  package let targetForm: TargetForm
  /// The method as written.
  package let methodName: ByteRange
  /// The request target as written.
  package let target: ByteRange
  /// The path without its query; empty for the asterisk form and for an absolute form without a path (which means `/`).
  package let path: ByteRange
  /// The path and, with its `?`, the query.
  package let pathAndQuery: ByteRange
  /// The value of Host, port included, without the white space around it; absent only in HTTP/1.0.
  package let host: ByteRange
  /// `.none` also when a length of zero is given; never `.untilClose`.
  package let framing: Framing
  /// Whether the client would go on using its connection (RFC 9112 §9.3).
  package let keepAlive: Bool
  /// Whether the client waits for 100 (Continue) before it sends its body (RFC 9110 §10.1.1).
  package let expectsContinue: Bool
  /// Whether it asks for a WebSocket (RFC 6455 §4.1). Other protocols are not offered to the server: their `Upgrade`
  /// is dropped, as RFC 9110 §7.8 allows. Bytes behind such a head, before its answer, are to be refused with
  /// `Rejection.bytesBehindUpgrade`: they are a frame or a request, and only the server's answer says which.
  package let upgradeRequested: Bool
  /// Whether it carries credentials that authenticate the connection, not the request (NTLM, Negotiate): the server
  /// connection that it goes out on may serve no other client from then on.
  package let bindsAuthentication: Bool
  package let rewriting: RequestRewriting

  /// Whether it may be sent again without asking (RFC 9110 §9.2.2).
  package var isIdempotent: Bool { method.isIdempotent }
}

extension RequestHead {
  /// Reads one request head from the start of `bytes`.
  package static func parse(_ bytes: Span<UInt8>, limits: HeadLimits) -> Parsed<RequestHead> {
    let allowed = bytes.extracting(first: limits.bytes)
    do throws(Rejection) {
      if let head = try RequestHead(reading: allowed, limits: limits) { return .head(head) }
    } catch {
      return .rejected(error)
    }
    guard bytes.count >= limits.bytes else { return .incomplete }
    return .rejected(allowed.hasLine(from: allowed.emptyLineCount) ? .headTooLarge : .targetTooLong)
  }

  /// Nil when the bytes run out first.
  private init?(reading bytes: Span<UInt8>, limits: HeadLimits) throws(Rejection) {
    if bytes.count == 1, bytes[0] == UInt8(ascii: "\r") { return nil }
    let start = bytes.emptyLineCount
    guard let line = try RequestLine(bytes, from: start, limits: limits) else { return nil }
    var fields = RequestFields()
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
    fields.rewriting.start = UInt16(truncatingIfNeeded: start)
    try self.init(line, fields, length: lines.position, of: bytes)
  }

  /// Judges what was read.
  private init(
    _ line: RequestLine, _ fields: consuming RequestFields, length: Int, of bytes: Span<UInt8>
  ) throws(Rejection) {
    // RFC 9112 §3.2: a request of HTTP/1.1 without Host is refused. §3.2.2 would let the target's authority replace
    // another Host; two names for one server are two readings.
    if fields.host.isEmpty, line.version == .http11 || line.targetForm == .absolute { throw .hostMissing }
    if line.targetForm == .absolute { try RequestHead.rewriteTarget(line, fields.host, &fields.rewriting.edits, bytes) }

    framing = try .ofRequest(fields.framing, method: line.method, version: line.version)
    try fields.framingLine.normalise(fields.framing, of: bytes, into: &fields.rewriting.edits)
    // RFC 9110 §10.1.1: ignored in HTTP/1.0; without content there is nothing to wait with, and servers differ.
    expectsContinue = !fields.expectLine.isEmpty && line.version == .http11 && framing != .none
    if !fields.expectLine.isEmpty, !expectsContinue { try fields.rewriting.edits.add(fields.expectLine, .drop) }
    if fields.options.nominationCount > 0 {
      try fields.rewriting.edits.dropLines(nominatedBy: fields.options, from: line.end, of: bytes)
    }

    self.length = length
    method = line.method
    version = line.version
    targetForm = line.targetForm
    methodName = line.methodName
    target = line.target
    path = line.path
    pathAndQuery = line.pathAndQuery
    host = fields.host
    keepAlive = fields.options.persists(in: line.version)
    upgradeRequested =
      fields.asksForWebSocket && fields.options.upgrade && method == .get && version == .http11 && framing == .none
    bindsAuthentication = fields.bindsAuthentication
    rewriting = fields.rewriting
  }

  /// An absolute-form target goes to the server in origin form (RFC 9112 §3.2.1), OPTIONS without a path as `*` (§3.2.4).
  private static func rewriteTarget(
    _ line: RequestLine, _ host: ByteRange, _ edits: inout LineEdits, _ bytes: Span<UInt8>
  ) throws(Rejection) {
    let authority = line.authority.slice(of: bytes)
    guard Authority(authority) != nil else { throw .targetAuthorityMalformed }
    guard authority.equalsIgnoringCase(host.slice(of: bytes)) else { throw .targetAuthorityNotHost }
    let removed = ByteRange(start: line.target.start, end: line.authority.end)
    if !line.path.isEmpty {
      try edits.add(removed, .drop)
    } else {
      let asksServer = line.method == .options && line.pathAndQuery.isEmpty
      try edits.add(removed, asksServer ? .replaceWithAsterisk : .replaceWithSlash)
    }
  }
}

extension Span<UInt8> {
  /// Bytes of one empty line at the start, which is ignored (RFC 9112 §2.2): 2 or 0.
  fileprivate var emptyLineCount: Int {
    count >= 2 && self[0] == UInt8(ascii: "\r") && self[1] == UInt8(ascii: "\n") ? 2 : 0
  }

  fileprivate func hasLine(from start: Int) -> Bool {
    for index in start..<count where self[index] == UInt8(ascii: "\n") { return true }
    return false
  }
}
