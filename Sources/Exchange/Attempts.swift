import HTTP1
import Wire

/// What went wrong between us and the server.
package enum ServerFailure: Hashable, Sendable {
  /// No connection came about: refused, unreachable, a failed TLS handshake or verification.
  case connect
  /// No connection came about in time.
  case connectTimeout
  /// The connection ended before any part of an answer.
  case gone
  /// The answer broke off.
  case truncated
  case malformed
  /// The answer, or taking the request, was due.
  case timeout
  /// The server was declared down.
  case down
}

/// What to do about it.
package enum Recovery: Hashable, Sendable {
  /// Another connection to the same server: the one used was stale.
  case reconnect
  /// Another server, if there is one.
  case redispatch
  /// A page of our own, and the client's connection is closed.
  case answer(Status)
  /// Part of an answer is out: end both connections so that it can not pass for the whole.
  case abort
}

extension Exchange {
  /// No server has a place free; the exchange waits for one.
  package mutating func beginQueueing(at now: Instant) {
    attempt = Attempt(stage: .queued(since: now))
    record.queued = true
    lastActivity = now
  }

  /// A connection to a server is being made, or taken from a pool.
  package mutating func beginAttempt(isReused: Bool, at now: Instant) {
    attempt = Attempt(stage: .connecting(since: now), isReused: isReused)
    serverCloses = false
    responseScanner = HeadScanner()
    requestCursor.rewind()
    lastActivity = now
    if record.dequeued == nil { record.dequeued = now }
  }

  /// The connection stands; the request goes out on it.
  package mutating func connected(at now: Instant) {
    attempt.stage = .connected
    record.connected = now
    lastActivity = now
  }

  /// Notes that the oldest `count` pending bytes of the request went out.
  package mutating func sentRequest(_ count: Int, at now: Instant) {
    requestCursor.send(count)
    attempt.hasSent = true
    lastActivity = now
  }

  /// Decides what follows a failure of the server's side. The decision is final for this attempt.
  package mutating func recover(from failure: ServerFailure) -> Recovery {
    record.termination = Termination(cause(of: failure), phase)
    if response != nil || isTunnel && attempt.hasHeard { return .abort }
    switch failure {
    case .connect, .connectTimeout:
      return spendRetry() ? .redispatch : .answer(.serviceUnavailable)
    case .gone where mayRepeat:
      // A reused connection that the server closed says nothing about the server: the retry costs no attempt, and the
      // next connection is a fresh one.
      if attempt.isReused { return .reconnect }
      return spendRetry() ? .redispatch : .answer(.badGateway)
    case .down where mayRepeat:
      return spendRetry() ? .redispatch : .answer(.badGateway)
    case .timeout:
      return .answer(.gatewayTimeout)
    case .gone, .down, .truncated, .malformed:
      return .answer(.badGateway)
    }
  }

  /// Sending the request again can have no effect that sending it once has not (RFC 9110 §9.2.2), and is possible.
  private var mayRepeat: Bool {
    guard isReplayable, !attempt.hasHeard else { return false }
    return !attempt.hasSent || request?.isIdempotent == true
  }

  private mutating func spendRetry() -> Bool {
    guard isReplayable, retriesLeft > 0 else { return false }
    retriesLeft -= 1
    record.retries += 1
    return true
  }

  private func cause(of failure: ServerFailure) -> Termination.Cause {
    switch failure {
    case .connectTimeout, .timeout: .serverTimeout
    case .malformed: .proxy
    case .down: .down
    case .connect, .gone, .truncated: .server
    }
  }

  /// Where the exchange is, for the log.
  package var phase: Termination.Phase {
    if requestSide == .head { return .request }
    switch attempt.stage {
    case .none, .queued: return .queue
    case .connecting: return .connect
    case .connected: return responseSide == .head ? .headers : .data
    }
  }
}
