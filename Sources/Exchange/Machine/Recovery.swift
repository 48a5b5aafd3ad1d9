import Domain
import HTTP1
import Wire

/// What went wrong between us and the server.
public enum ServerFailure: Hashable, CaseIterable, Sendable {
  /// No connection came about: refused, unreachable, a failed TLS handshake or verification.
  case connect
  /// No connection came about in time.
  case connectTimeout
  /// This machine lacks what a connection takes: a descriptor, a source port, memory. Nothing is known of the server.
  case shortage
  /// The server was declared down while it was being connected to, or had the request.
  case down
  /// The connection ended before any part of an answer.
  case gone
  /// The answer broke off.
  case truncated
  case malformed
  /// The answer, or taking the request, was due.
  case timeout
}

/// What to do about it.
public enum Recovery: Hashable, Sendable {
  /// Another connection to the same server: the one used was stale.
  case reconnect
  /// Another server, if there is one.
  case redispatch
  /// The same server again in a moment (`Exchange.shortagePause`), when others may have given back what is missing.
  case pause
  /// A page of our own, and the client's connection is closed.
  case answer(Status)
  /// Part of an answer is out, or opaque bytes are: end both connections so that it can not pass for the whole.
  case abort
}

extension Exchange {
  /// Decides what follows a failure of the server's side.
  mutating func recover(
    from failure: ServerFailure, timeouts: borrowing Timeouts, at now: Instant
  ) -> Recovery {
    noteConnecting(until: now)
    guard case .relaying(let attempt) = state else {
      return recoverConnecting(from: failure, hasTime: search.connecting < timeouts.connectTotal)
    }
    // Bytes of the answer may be on their way although none is counted as sent; a head of which that is not so is
    // withdrawn before this is asked.
    if attempt.hasAnswered { return .abort }
    switch failure {
    case .gone where mayRepeat(attempt) && attempt.marks.contains(.reused):
      // A reused connection that the server closed says nothing about the server: the retry costs no attempt, and the
      // next connection is a fresh one.
      return .reconnect
    case .gone where mayRepeat(attempt):
      return spendRetry() ? .redispatch : .answer(.badGateway)
    case .down where mayRepeat(attempt):
      return spendRetry() ? .redispatch : .answer(.serviceUnavailable)
    case .timeout:
      return .answer(.gatewayTimeout)
    case .connect, .connectTimeout, .shortage, .gone, .down, .truncated, .malformed:
      return .answer(.badGateway)
    }
  }

  /// The same before a connection is open.
  private mutating func recoverConnecting(from failure: ServerFailure, hasTime: Bool) -> Recovery {
    switch failure {
    case .connect, .connectTimeout:
      return hasTime && spendRetry() ? .redispatch : .answer(.serviceUnavailable)
    case .shortage:
      guard hasTime, search.shortages < Exchange.longestShortage else { return .answer(.serviceUnavailable) }
      search.shortages += 1
      return .pause
    case .gone, .down, .truncated, .malformed, .timeout:
      return spendRetry() ? .redispatch : .answer(.serviceUnavailable)
    }
  }

  /// From one attempt that met a shortage of this machine's own to the next.
  public static let shortagePause = Interval.milliseconds(100)

  /// How many such attempts one exchange makes: for three seconds, in which a login storm's handshakes are over; after
  /// that a 503 is better than waiting.
  private static let longestShortage = 30

  /// Sending the request again can have no effect that sending it once has not (RFC 9110 §9.2.2), and is possible.
  private func mayRepeat(_ attempt: Attempt) -> Bool {
    guard isReplayable, !attempt.hasBegun else { return false }
    return !attempt.marks.contains(.requestSent) || request?.isIdempotent == true
  }

  /// Another server may get the request, which nobody has begun to answer.
  func mayGoElsewhere(_ attempt: Attempt) -> Bool {
    !attempt.hasAnswered && mayRepeat(attempt) && search.retriesLeft > 0
  }

  private mutating func spendRetry() -> Bool {
    guard isReplayable, search.retriesLeft > 0 else { return false }
    search.retriesLeft -= 1
    record.retries += 1
    return true
  }
}

extension ServerFailure {
  /// It can happen while a connection is being made.
  var isOfConnecting: Bool {
    switch self {
    case .connect, .connectTimeout, .shortage, .down: true
    case .gone, .truncated, .malformed, .timeout: false
    }
  }

  /// It can happen while the server has the request.
  var isOfAnswering: Bool { !isOfConnecting || self == .down }

  /// It says something of the server that its health checks may not know. That a kept connection was stale says nothing;
  /// see `Exchange.handle`.
  var isNews: Bool { self != .down && self != .shortage }

  var cause: Termination.Cause {
    switch self {
    case .connectTimeout, .timeout: .serverTimeout
    case .malformed: .proxy
    case .down: .down
    case .shortage: .resource
    case .connect, .gone, .truncated: .server
    }
  }
}
