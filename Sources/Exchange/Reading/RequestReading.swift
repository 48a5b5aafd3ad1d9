import HTTP1
import Wire

/// The result of processing the client's bytes.
public enum RequestStep: Hashable, Sendable {
  /// More bytes are needed.
  case incomplete
  /// The head is complete and the request may be routed.
  case head
  /// The body continued, or ended.
  case body
  /// The client closed between two requests.
  case closed
  /// The client closed during a request.
  case truncated
  case refused(Rejection)
}

extension Exchange {
  /// Looks for a complete request head at the start of `bytes`: all bytes received and not consumed. The received part
  /// of the body is processed as well. The effects are empty unless the exchange ends.
  public mutating func readRequestHead(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, at now: Instant
  ) -> (step: RequestStep, effects: Effects) {
    let step = parseHead(bytes, ended: end != nil, policy: policy, at: now)
    return (step, effects(of: step, end, at: now))
  }

  /// Processes the part of the body that was not processed before. `bytes` are all bytes received and not consumed. If
  /// it leaves an `overwrite`, the caller must apply it and call again with the rest. The effects are empty unless the
  /// relay ends.
  @inline(__always)
  public mutating func readRequestBody(
    _ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant
  ) -> (step: RequestStep, effects: Effects) {
    let step = parseBody(bytes, end: end, at: now)
    return (step, effects(of: step, end, at: now))
  }

  @inline(always)
  private mutating func effects(of step: RequestStep, _ end: StreamEnd?, at now: Instant) -> Effects {
    switch step {
    case .incomplete, .head, .body: .none
    case .closed: clientEnded()
    case .truncated: clientLeft(isFlood: end == .flooded)
    case .refused(let rejection): refused(rejection, at: now)
    }
  }

  private mutating func parseHead(
    _ bytes: Span<UInt8>, ended: Bool, policy: borrowing ExchangePolicy, at now: Instant
  ) -> RequestStep {
    // RFC 9112 §2.2: an empty line before a request is ignored, and does not begin one.
    if bytes.isOnlyLineEnd { return ended ? .closed : .incomplete }
    record.began(at: now)
    lastActivity = now
    guard outbound.scanner.isWorthParsing(bytes, limits: policy.limits) else {
      return ended ? .truncated : .incomplete
    }
    switch RequestHead.parse(bytes, limits: policy.limits) {
    case .incomplete:
      return ended ? .truncated : .incomplete
    case .rejected(let rejection):
      return .refused(rejection)
    case .head(let head):
      if number >= policy.requestsPerConnection ?? .max { clientUse = .closes }
      return accept(head, bytes, policy: policy, at: now)
    }
  }

  private mutating func accept(
    _ head: RequestHead, _ bytes: Span<UInt8>, policy: borrowing ExchangePolicy, at now: Instant
  ) -> RequestStep {
    // A client must wait for 101 before it uses the new protocol. Bytes sent earlier would be a second request to a
    // server that declines the upgrade (RFC 9110 §7.8).
    if head.upgradeRequested && bytes.count > head.length {
      return .refused(.bytesBehindUpgrade)
    }
    request = head
    record.headRead(at: now)
    if !head.keepAlive { clientUse = .closes }
    if head.bindsAuthentication { isPrivate = true }
    outbound.cursor.approve(head.length)
    outbound.begin(head.framing, dropsTrailers: policy.dropsTrailers.request)
    guard outbound.side == .body, bytes.count > head.length else { return .head }
    if case .refused(let rejection) = parseBody(bytes, end: nil, at: now) { return .refused(rejection) }
    return .head
  }

  private mutating func parseBody(_ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant) -> RequestStep {
    let fresh = bytes.extracting(outbound.cursor.approved..<bytes.count)
    switch outbound.side {
    case .head, .complete:
      if end != nil { noteHalfClosed() }
      return .body
    case .tunnel:
      if !fresh.isEmpty { lastActivity = now }
      outbound.cursor.approve(fresh.count)
      guard let end else { return .body }
      guard end == .closed else { return .truncated }
      outbound.side = .complete
      return .body
    case .body:
      if !fresh.isEmpty { lastActivity = now }
      let progress = outbound.body.advance(over: fresh, relayed: true)
      outbound.cursor.approve(progress.accepted)
      if let octet = progress.replacement {
        overwrite = Overwrite(offset: outbound.cursor.approved - 1, octet: octet)
        return .body
      }
      switch progress.state {
      case .complete:
        outbound.side = .complete
        if end != nil { noteHalfClosed() }
        return .body
      case .malformed(let rejection):
        return .refused(rejection)
      case .more:
        return end != nil ? .truncated : fresh.isEmpty ? .incomplete : .body
      }
    }
  }

  /// Writes the head for the server of this attempt. The approved part of the body follows from the buffer.
  public mutating func sendRequestHead<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, forwarding: borrowing ForwardedFields, certificate: Span<UInt8> = Span(), keepAlive: Bool,
    edits: HeaderEdits? = nil, into sink: inout Sink
  ) {
    guard let request, case .relaying = state else { return }
    // A server may leave a GET's content unread; it must not be parsed as the next request.
    let keepAlive = keepAlive && !(request.method == .get && request.framing != .none)
    let connection: Persistence = request.upgradeRequested ? .upgrade : keepAlive ? .keepAlive : .close
    request.render(
      from: bytes, forwarding: forwarding, certificate: certificate, connection: connection, edits: edits, into: &sink)
    outbound.cursor.send(request.length)
    if !keepAlive { change { $0.marks.insert(.closesConnection) } }
  }

  /// Request bytes before the cursor, including the head, may have been sent to the server.
  public mutating func requestLeft() {
    guard case .relaying(let attempt) = state, !attempt.marks.contains(.requestSent) else { return }
    noteRequestSent()
  }

  mutating func noteRequestSent() { change { $0.marks.insert(.requestSent) } }

  /// Writing to the server failed. It may have responded already, so reading continues to the end of its stream.
  public mutating func closeRequestWrite() {
    change {
      $0.marks.insert(.requestWriteClosed)
      $0.marks.insert(.closesConnection)
    }
  }

  private mutating func noteHalfClosed() { if clientUse == .continues { clientUse = .halfClosed } }

  /// The exchange is over: discards everything read of the request, whether or not the server accepted it.
  public mutating func dropRequest() -> Int { outbound.cursor.dropAll() }

  /// Frees buffer space: discards the sent bytes of the request, which then can not be sent again.
  public mutating func dropSentRequest() -> Int {
    if outbound.cursor.sent > 0 { isReplayable = false }
    return outbound.cursor.drop()
  }
}

extension Span<UInt8> {
  /// Empty, or CRLF, or CR.
  var isOnlyLineEnd: Bool {
    switch count {
    case 0: true
    case 1: self[0] == UInt8(ascii: "\r")
    case 2: self[0] == UInt8(ascii: "\r") && self[1] == UInt8(ascii: "\n")
    default: false
    }
  }
}
