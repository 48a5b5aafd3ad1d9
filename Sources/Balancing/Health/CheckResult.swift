/// The result of one health check.
public enum CheckResult: Hashable, Sendable {
  /// The server accepts clients: an expected status, or a complete connection or handshake when that is the whole
  /// check.
  case passed
  /// 503: the server works, but its administrator has disabled it for new clients.
  case disabled
  case failed(CheckFailure)
  /// The check could not be made for lack of resources on this machine: it does not count.
  case inconclusive
}

/// Why a health check failed. The description completes "the last one: …".
public enum CheckFailure: Hashable, Sendable, CustomStringConvertible {
  /// The connection was refused.
  case refused
  /// The server can't be reached, or has no route back.
  case unreachable
  /// The check timed out; `stage` is what it waited for.
  case timeout(stage: Stage)
  /// The connection ended before the complete response.
  case closed(stage: Stage)
  /// The TLS handshake failed.
  case handshake
  /// The certificate was rejected.
  case certificate
  /// A status that is neither expected nor 503.
  case status(UInt16)
  /// The response is not HTTP/1.
  case malformed
  /// The response is larger than any response to a check.
  case excessive

  /// The stage of a check.
  public enum Stage: Sendable, CustomStringConvertible {
    case connection, handshake, answer

    public var description: String {
      switch self {
      case .connection: "connection"
      case .handshake: "TLS handshake"
      case .answer: "answer"
      }
    }
  }

  /// The server answered, but incorrectly. Its application may still work: a check of a wrong path, or a renewed
  /// certificate, fails in this way.
  public var isAnswer: Bool {
    switch self {
    case .handshake, .certificate, .status, .malformed, .excessive: true
    case .refused, .unreachable, .timeout, .closed: false
    }
  }

  public var description: String {
    switch self {
    case .refused: "connection refused"
    case .unreachable: "server unreachable"
    case .timeout(let stage): "no complete \(stage) within the time-out"
    case .closed(let stage): "connection closed before the \(stage) was complete"
    case .handshake: "TLS handshake failed"
    case .certificate: "certificate not accepted"
    case .status(let status): "status \(status)"
    case .malformed: "malformed answer"
    case .excessive: "answer without an end"
    }
  }
}
