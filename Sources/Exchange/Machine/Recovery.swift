import Domain
import HTTP1
import Wire

/// A failure on the server's side.
public enum ServerFailure: Hashable, CaseIterable, Sendable {
  /// The connection failed: refused, unreachable, a failed TLS handshake or verification.
  case connect
  /// The connection was not established in time.
  case connectTimeout
  /// Local resources for a connection are exhausted: descriptors, source ports, memory. The server's state is unknown.
  case shortage
  /// The server was declared down while connecting, or while it had the request.
  case down
  /// The connection ended before any part of a response.
  case gone
  /// The response was incomplete.
  case truncated
  case malformed
  /// The server neither responded nor accepted the request in time.
  case timeout
}

/// How to handle a server failure.
public enum Recovery: Hashable, Sendable {
  /// Open another connection to the same server: the one used was stale.
  case reconnect
  /// Redispatch to another server, if there is one.
  case redispatch
  /// Retry the same server after `Exchange.shortagePause`, when other connections may have released resources.
  case pause
  /// Send an error page and close the client's connection.
  case reply(Status)
  /// Part of the response, or opaque bytes, were sent: close both connections so that it can not be taken for complete.
  case abort
}

extension Exchange {
  /// Decides how to handle a failure of the server.
  mutating func recover(
    from failure: ServerFailure, timeouts: borrowing Timeouts, at now: Instant
  ) -> Recovery {
    noteConnecting(until: now)
    guard case .relaying(let attempt) = state else {
      return recoverConnecting(from: failure, hasTime: search.connecting < timeouts.connectTotal)
    }
    // Bytes of the response may have been sent although none is counted yet.
    if attempt.hasResponded { return .abort }
    switch failure {
    case .gone where mayRepeat(attempt) && attempt.marks.contains(.reused):
      // A reused connection that the server closed is no evidence against the server: the retry is not counted, and the
      // next connection is a new one.
      return .reconnect
    case .gone where mayRepeat(attempt):
      return spendRetry() ? .redispatch : .reply(.badGateway)
    case .down where mayRepeat(attempt):
      return spendRetry() ? .redispatch : .reply(.serviceUnavailable)
    case .timeout:
      return .reply(.gatewayTimeout)
    case .connect, .connectTimeout, .shortage, .gone, .down, .truncated, .malformed:
      return .reply(.badGateway)
    }
  }

  /// The same before a connection is established.
  private mutating func recoverConnecting(from failure: ServerFailure, hasTime: Bool) -> Recovery {
    switch failure {
    case .connect, .connectTimeout:
      return hasTime && spendRetry() ? .redispatch : .reply(.serviceUnavailable)
    case .shortage:
      guard hasTime, search.shortages < Exchange.longestShortage else { return .reply(.serviceUnavailable) }
      search.shortages += 1
      return .pause
    case .gone, .down, .truncated, .malformed, .timeout:
      return spendRetry() ? .redispatch : .reply(.serviceUnavailable)
    }
  }

  /// The time between two attempts of which the first found local resources exhausted.
  public static let shortagePause = Interval.milliseconds(100)

  /// Maximum of such attempts per exchange: three seconds, after which the TLS handshakes of a login storm are done;
  /// after that a 503 is better than waiting.
  private static let longestShortage = 30

  /// Whether the request can be sent again without further effect: it was not sent, or is idempotent (RFC 9110 §9.2.2).
  private func mayRepeat(_ attempt: Attempt) -> Bool {
    guard isReplayable, !attempt.hasBegun else { return false }
    return !attempt.marks.contains(.requestSent) || request?.isIdempotent == true
  }

  /// Whether another server may get the request.
  func mayGoElsewhere(_ attempt: Attempt) -> Bool {
    !attempt.hasResponded && mayRepeat(attempt) && search.retriesLeft > 0
  }

  private mutating func spendRetry() -> Bool {
    guard isReplayable, search.retriesLeft > 0 else { return false }
    search.retriesLeft -= 1
    record.retried()
    return true
  }
}

extension ServerFailure {
  /// Whether it can occur while connecting.
  var isOfConnecting: Bool {
    switch self {
    case .connect, .connectTimeout, .shortage, .down: true
    case .gone, .truncated, .malformed, .timeout: false
    }
  }

  /// Whether it can occur while the server has the request.
  var isOfResponding: Bool { !isOfConnecting || self == .down }

  /// Whether it is evidence about the server that the health checks may not have. A stale connection is no evidence;
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
