import HTTP1
import Wire

/// The result of processing the server's bytes.
public enum ResponseStep: Hashable, Sendable {
  case incomplete
  /// An interim or final head was written into the sink; call again for what follows.
  case head
  /// The body continued, or ended.
  case body
  /// The connection ended before any part of a response.
  case gone
  /// The response is incomplete. It must not look complete to the client.
  case truncated
  case malformed(Rejection)
}

extension Exchange {
  /// Processes the server's bytes that were not processed before; `bytes` are all bytes received and not consumed.
  /// Heads are written into `sink` in the form for the client, with `edits`. If it leaves an `overwrite`, the caller must apply it
  /// and call again with the rest. The effects are empty unless the attempt ends.
  @inline(__always)
  public mutating func readResponse<Sink: ByteSink & ~Copyable>(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, edits: HeaderEdits? = nil, at now: Instant,
    into sink: inout Sink
  ) -> (step: ResponseStep, effects: Effects) {
    let step = parseResponse(bytes, end: end, policy: policy, edits, at: now, into: &sink)
    let effects =
      switch step {
      case .incomplete, .head, .body: Effects.none
      case .gone: fail(.gone, policy.timeouts, at: now)
      case .truncated: responseFailed(.truncated, policy.timeouts, at: now)
      case .malformed: responseFailed(.malformed, policy.timeouts, at: now)
      }
    return (step, effects)
  }

  private mutating func parseResponse<Sink: ByteSink & ~Copyable>(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, _ edits: HeaderEdits?, at now: Instant,
    into sink: inout Sink
  ) -> ResponseStep {
    guard case .relaying(var attempt) = state else { return .incomplete }
    switch inbound.side {
    case .head:
      defer { state = .relaying(attempt) }
      return readHead(bytes, end: end, policy: policy, edits, at: now, of: &attempt, into: &sink)
    case .body: return readBody(bytes, end: end, at: now)
    case .tunnel: return readTunnel(bytes, end: end, at: now)
    case .complete:
      readBehind(bytes, end: end)
      return .incomplete
    }
  }

  /// RFC 9112 §9.3: bytes after a complete response belong to no request; the connection is not reused.
  private mutating func readBehind(_ bytes: Span<UInt8>, end: StreamEnd?) {
    if bytes.count > inbound.cursor.approved || end != nil { change { $0.marks.insert(.closesConnection) } }
  }

  private mutating func readHead<Sink: ByteSink & ~Copyable>(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, _ edits: HeaderEdits?, at now: Instant,
    of attempt: inout Attempt, into sink: inout Sink
  ) -> ResponseStep {
    guard let request else { return .incomplete }
    if bytes.isEmpty { return end == nil ? .incomplete : attempt.hasBegun ? .truncated : .gone }
    attempt.noteBytes()
    lastActivity = now
    guard inbound.scanner.isWorthParsing(bytes, limits: policy.limits) else {
      return end == nil ? .incomplete : .truncated
    }
    switch ResponseHead.parse(bytes, to: AnsweredRequest(request), limits: policy.limits) {
    case .incomplete:
      return end == nil ? .incomplete : .truncated
    case .rejected(let rejection):
      return .malformed(rejection)
    case .head(let head):
      inbound.cursor.approve(head.length)
      inbound.cursor.send(head.length)
      inbound.scanner = HeadScanner()
      if head.isInterim {
        guard attempt.noteInterimHead() else { return .malformed(.tooManyInterimAnswers) }
        // RFC 9110 §15.2: a 1xx must not be sent to an HTTP/1.0 client.
        if request.version == .http11 {
          head.render(from: bytes, connection: .keepAlive, clientVersion: .http11, edits: edits, into: &sink)
        }
        return .head
      }
      accept(head, followedBy: bytes.extracting(head.length...), policy: policy, at: now, by: &attempt)
      let connection: Persistence = head.isUpgrade ? .upgrade : clientUse == .closes ? .close : .keepAlive
      head.render(from: bytes, connection: connection, clientVersion: request.version, edits: edits, into: &sink)
      return .head
    }
  }

  private mutating func accept(
    _ head: ResponseHead, followedBy rest: Span<UInt8>, policy: borrowing ExchangePolicy, at now: Instant,
    by attempt: inout Attempt
  ) {
    attempt.response = .head(untilClose: head.framing == .untilClose)
    inbound.sentBefore = record.bytesToClient
    record.responded(head.status, at: now)
    if head.bindsAuthentication { isPrivate = true }
    if !head.keepAlive { attempt.marks.insert(.closesConnection) }
    if head.isUpgrade {
      outbound.side = .tunnel
      inbound.side = .tunnel
      attempt.mode = .tunnel
      attempt.marks.insert(.closesConnection)
      clientUse = .closes
      return
    }
    let isRequestOpen = outbound.side == .body
    if isRequestOpen {
      attempt.mode = .stream
      // The server reads no more after its response: the head must declare that the rest of the request is not read.
      if !head.keepAlive { clientUse = .closes }
    }
    // The rest of a request is not read after its response: the connection closes then, and the head must declare it.
    // The end of a streamed response is not known yet.
    if isRequestOpen, Exchange.endIsKnown(of: head, followedBy: rest) { clientUse = .closes }
    // After a declined upgrade, the client's next bytes are undefined; and a body that ends with the connection ends
    // the connection.
    if request?.upgradeRequested == true || head.framing == .untilClose { clientUse = .closes }
    inbound.begin(head.framing, dropsTrailers: policy.dropsTrailers.response)
  }

  /// Whether the response declares its length, or is complete: it does not last as long as the request does.
  private static func endIsKnown(of head: ResponseHead, followedBy rest: Span<UInt8>) -> Bool {
    var body = BodyTracker(head.framing)
    return head.framing != .chunked || body.advance(over: rest).state == .complete
  }

  private mutating func readBody(_ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant) -> ResponseStep {
    let fresh = bytes.extracting(inbound.cursor.approved..<bytes.count)
    if !fresh.isEmpty { lastActivity = now }
    let progress = inbound.body.advance(over: fresh, relayed: true)
    inbound.cursor.approve(progress.accepted)
    if let octet = progress.replacement {
      overwrite = Overwrite(offset: inbound.cursor.approved - 1, octet: octet)
      return .body
    }
    switch progress.state {
    case .complete:
      inbound.side = .complete
      readBehind(bytes, end: end)
      return .body
    case .malformed(let rejection):
      return .malformed(rejection)
    case .more:
      guard let end else { return fresh.isEmpty ? .incomplete : .body }
      change { $0.marks.insert(.closesConnection) }
      // RFC 9112 §8: a body delimited by the end of the connection is complete only after an orderly end.
      guard end == .closed, inbound.body.end() else { return .truncated }
      inbound.side = .complete
      return .body
    }
  }

  private mutating func readTunnel(_ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant) -> ResponseStep {
    let fresh = bytes.count - inbound.cursor.approved
    if fresh > 0 {
      if !hasResponseBegun { change { $0.noteBytes() } }
      lastActivity = now
    }
    inbound.cursor.approve(fresh)
    guard let end else { return fresh == 0 ? .incomplete : .body }
    guard end == .closed else { return hasResponseBegun ? .truncated : .gone }
    inbound.side = .complete
    return .body
  }
}
