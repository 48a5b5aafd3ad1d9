import HTTP1
import Wire

/// What came of looking at the client's bytes.
public enum RequestStep: Hashable, Sendable {
  /// More bytes are needed.
  case incomplete
  /// The head is complete and the request may be routed.
  case head
  /// The body went on, or ended.
  case body
  /// The client closed between two requests.
  case closed
  /// The client closed in the middle of a request.
  case truncated
  case refused(Rejection)
}

extension Exchange {
  /// Looks for a complete request head at the start of `bytes`, everything received and not consumed.
  ///
  /// What of the body is already there is looked at as well.
  public mutating func readRequestHead(
    _ bytes: Span<UInt8>, ended: Bool, policy: borrowing ExchangePolicy, at now: Instant
  ) -> RequestStep {
    // RFC 9112 §2.2: an empty line before a request is ignored, and begins none.
    if bytes.isOnlyLineEnd { return ended ? .closed : .incomplete }
    if record.began == nil { record.began = now }
    lastActivity = now
    guard scanner.isWorthParsing(bytes, limits: policy.limits) else { return ended ? .truncated : .incomplete }
    switch RequestHead.parse(bytes, limits: policy.limits) {
    case .incomplete:
      return ended ? .truncated : .incomplete
    case .rejected(let rejection):
      record.termination = Termination(.proxy, .request)
      return .refused(rejection)
    case .head(let head):
      return accept(head, bytes, at: now)
    }
  }

  private mutating func accept(_ head: RequestHead, _ bytes: Span<UInt8>, at now: Instant) -> RequestStep {
    // A client must wait for 101 before it speaks the new protocol; bytes sent ahead would be a second request to a
    // server that declines (RFC 9110 §7.8).
    if head.upgradeRequested && bytes.count > head.length {
      record.termination = Termination(.proxy, .request)
      return .refused(.bytesBehindUpgrade)
    }
    request = head
    record.headRead = now
    if !head.keepAlive { clientCloses = true }
    if head.bindsAuthentication { isPrivate = true }
    requestCursor.approve(head.length)
    requestBody = BodyTracker(head.framing)
    requestSide = requestBody.isComplete ? .complete : .body
    guard requestSide == .body, bytes.count > head.length else { return .head }
    if case .refused(let rejection) = readRequestBody(bytes, ended: false, at: now) { return .refused(rejection) }
    return .head
  }

  /// Looks at the part of the body that was not looked at before. `bytes` are everything received and not consumed. When it
  /// leaves an `overwrite`, that is to be done and the rest to be offered again.
  public mutating func readRequestBody(_ bytes: Span<UInt8>, ended: Bool, at now: Instant) -> RequestStep {
    let fresh = bytes.extracting(requestCursor.approved..<bytes.count)
    switch requestSide {
    case .head, .complete:
      if ended { clientEnded = true }
      return .body
    case .tunnel:
      if !fresh.isEmpty { lastActivity = now }
      requestCursor.approve(fresh.count)
      if ended { requestSide = .complete }
      return .body
    case .body:
      if !fresh.isEmpty { lastActivity = now }
      let progress = requestBody.advance(over: fresh, relayed: true)
      requestCursor.approve(progress.accepted)
      if let octet = progress.replacement {
        overwrite = Overwrite(offset: requestCursor.approved - 1, octet: octet)
        return .body
      }
      switch progress.state {
      case .complete:
        requestSide = .complete
        if ended { clientEnded = true }
        return .body
      case .malformed(let rejection):
        record.termination = Termination(.proxy, responseSide == .head ? .headers : .data)
        return .refused(rejection)
      case .more:
        return ended ? .truncated : fresh.isEmpty ? .incomplete : .body
      }
    }
  }

  /// Writes the head as this attempt's server is to see it. What of the body is approved follows from the buffer.
  public mutating func sendRequestHead<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, forwarding: borrowing ForwardedFields, keepAlive: Bool, into sink: inout Sink
  ) {
    guard let request else { return }
    // What a server leaves unread of a GET's content must not become its next request.
    let keepAlive = keepAlive && !(request.method == .get && request.framing != .none)
    let connection: Persistence = request.upgradeRequested ? .upgrade : keepAlive ? .keepAlive : .close
    request.render(from: bytes, forwarding: forwarding, connection: connection, into: &sink)
    requestCursor.send(request.length)
    if !keepAlive { serverCloses = true }
  }

  /// The exchange is over: forgets all that was read of the request, taken by the server or not.
  public mutating func dropRequest() -> Int { requestCursor.dropAll() }

  /// Makes room: forgets the request bytes that were sent, after which the request can not be sent again.
  public mutating func dropSentRequest() -> Int {
    if requestCursor.sent > 0 { isReplayable = false }
    return requestCursor.drop()
  }
}

extension Span<UInt8> {
  /// Nothing, or a CRLF, or its first half.
  fileprivate var isOnlyLineEnd: Bool {
    switch count {
    case 0: true
    case 1: self[0] == UInt8(ascii: "\r")
    case 2: self[0] == UInt8(ascii: "\r") && self[1] == UInt8(ascii: "\n")
    default: false
    }
  }
}
