import HTTP1
import Wire

/// How the server's stream ended.
public enum StreamEnd: Hashable, Sendable {
  /// In order: close_notify, or FIN without TLS.
  case closed
  /// Without close_notify, or with an error: what came before may have been cut by anybody.
  case cut
}

/// What came of looking at the server's bytes.
public enum ResponseStep: Hashable, Sendable {
  case incomplete
  /// A head, interim or final, was written into the sink; look again for what follows.
  case head
  /// The body went on, or ended.
  case body
  /// No part of an answer came, and the connection is gone.
  case gone
  /// The answer is cut short. It must not look complete to the client.
  case truncated
  case malformed(Rejection)
}

extension Exchange {
  /// Looks at the server's bytes that were not looked at before; `bytes` are everything received and not consumed.
  /// Heads are written into `sink` as the client is to see them. When it leaves an `overwrite`, that is to be done and the
  /// rest to be offered again.
  public mutating func readResponse<Sink: ByteSink & ~Copyable>(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, at now: Instant, into sink: inout Sink
  ) -> ResponseStep {
    switch responseSide {
    case .head: readHead(bytes, end: end, policy: policy, at: now, into: &sink)
    case .body: readBody(bytes, end: end, at: now)
    case .tunnel: readTunnel(bytes, end: end, at: now)
    case .complete: readBehind(bytes, end: end)
    }
  }

  /// RFC 9112 §9.3: bytes behind a complete answer are nobody's; the connection is not used again.
  private mutating func readBehind(_ bytes: Span<UInt8>, end: StreamEnd?) -> ResponseStep {
    if bytes.count > responseCursor.approved || end != nil { serverCloses = true }
    return .incomplete
  }

  /// Forgets the answer's head, of which nothing has gone out, so that what is wrong with its body can still be answered
  /// with a page.
  public mutating func withdrawResponse() {
    response = nil
    responseSide = .head
    record.answered = nil
    record.status = 0
  }

  private mutating func readHead<Sink: ByteSink & ~Copyable>(
    _ bytes: Span<UInt8>, end: StreamEnd?, policy: borrowing ExchangePolicy, at now: Instant, into sink: inout Sink
  ) -> ResponseStep {
    guard let request else { return .incomplete }
    if bytes.isEmpty { return end == nil ? .incomplete : attempt.responseStarted ? .truncated : .gone }
    attempt.responseStarted = true
    lastActivity = now
    guard responseScanner.isWorthParsing(bytes, limits: policy.limits) else {
      return end == nil ? .incomplete : .truncated
    }
    switch ResponseHead.parse(bytes, to: AnsweredRequest(request), limits: policy.limits) {
    case .incomplete:
      return end == nil ? .incomplete : .truncated
    case .rejected(let rejection):
      return .malformed(rejection)
    case .head(let head):
      responseCursor.approve(head.length)
      responseCursor.send(head.length)
      responseScanner = HeadScanner()
      if head.isInterim {
        attempt.interimHeads += 1
        guard attempt.interimHeads <= Attempt.maximumInterimHeads else { return .malformed(.tooManyInterimAnswers) }
        // RFC 9110 §15.2: a 1xx is never sent to an HTTP/1.0 client.
        if request.version == .http11 {
          head.render(from: bytes, connection: .keepAlive, clientVersion: .http11, into: &sink)
        }
        return .head
      }
      accept(head, followedBy: bytes.extracting(head.length...), at: now)
      let connection: Persistence = head.isUpgrade ? .upgrade : clientCloses ? .close : .keepAlive
      head.render(from: bytes, connection: connection, clientVersion: request.version, into: &sink)
      return .head
    }
  }

  private mutating func accept(_ head: ResponseHead, followedBy rest: Span<UInt8>, at now: Instant) {
    response = head
    record.answered = now
    record.status = head.status
    if head.bindsAuthentication { isPrivate = true }
    if !head.keepAlive { serverCloses = true }
    if head.isUpgrade {
      requestSide = .tunnel
      responseSide = .tunnel
      isTunnel = true
      serverCloses = true
      clientCloses = true
      return
    }
    if requestSide == .body {
      isStream = true
      // The server reads no more after its answer; the client is to know that the rest of its request is not wanted.
      if !head.keepAlive { clientCloses = true }
    }
    // Nobody reads the rest of a request that is answered: the connection ends then, and the head has to say so. A
    // stream's answer has no end that could be known of now.
    if requestSide == .body, Exchange.endIsKnown(of: head, followedBy: rest) { clientCloses = true }
    // A declined upgrade leaves it open what the client sends next; and a body that ends with the connection ends
    // the connection.
    if request?.upgradeRequested == true || head.framing == .untilClose { clientCloses = true }
    responseBody = BodyTracker(head.framing)
    responseSide = responseBody.isComplete ? .complete : .body
  }

  /// The answer tells how long it is, or all of it is here: it does not go on for as long as the request does.
  private static func endIsKnown(of head: ResponseHead, followedBy rest: Span<UInt8>) -> Bool {
    var body = BodyTracker(head.framing)
    return head.framing != .chunked || body.advance(over: rest).state == .complete
  }

  private mutating func readBody(_ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant) -> ResponseStep {
    let fresh = bytes.extracting(responseCursor.approved..<bytes.count)
    if !fresh.isEmpty { lastActivity = now }
    let progress = responseBody.advance(over: fresh, relayed: true)
    responseCursor.approve(progress.accepted)
    if let octet = progress.replacement {
      overwrite = Overwrite(offset: responseCursor.approved - 1, octet: octet)
      return .body
    }
    switch progress.state {
    case .complete:
      responseSide = .complete
      _ = readBehind(bytes, end: end)
      return .body
    case .malformed(let rejection):
      return .malformed(rejection)
    case .more:
      guard let end else { return fresh.isEmpty ? .incomplete : .body }
      serverCloses = true
      // RFC 9112 §8: a body that ends with the connection is complete only when the connection ended in order.
      guard end == .closed, responseBody.end() else { return .truncated }
      responseSide = .complete
      return .body
    }
  }

  private mutating func readTunnel(_ bytes: Span<UInt8>, end: StreamEnd?, at now: Instant) -> ResponseStep {
    let fresh = bytes.count - responseCursor.approved
    if fresh > 0 {
      attempt.responseStarted = true
      lastActivity = now
    }
    responseCursor.approve(fresh)
    guard let end else { return fresh == 0 ? .incomplete : .body }
    if end == .cut { return attempt.responseStarted ? .truncated : .gone }
    responseSide = .complete
    return .body
  }
}
