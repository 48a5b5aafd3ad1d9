/// What one health check found.
public enum CheckResult: Hashable, Sendable {
  /// The server takes clients: an expected status, or a complete connection or handshake where that is the whole check.
  case passed
  /// 503: the server works, and its administrator wants no new clients on it.
  case disabled
  case failed(CheckFailure)
  /// It could not be made, for want of something on this machine: it says nothing of the server.
  case inconclusive
}

/// Why a health check failed. The description completes "the last one: …".
public enum CheckFailure: Hashable, Sendable, CustomStringConvertible {
  /// Nothing listens there.
  case refused
  /// No way to the server, or none back.
  case unreachable
  /// Not all of it was done in time: `stage` is what it waited for.
  case timeout(stage: Stage)
  /// The connection ended before the whole answer had come.
  case closed(stage: Stage)
  /// The TLS handshake broke off.
  case handshake
  /// The certificate is not acceptable.
  case certificate
  /// A status that is neither expected nor 503.
  case status(UInt16)
  /// What came is not an HTTP/1 answer.
  case malformed
  /// More came than any answer to a check has.
  case excessive

  /// The part of a check that was under way.
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

  /// Somebody is there and says the wrong thing. What runs on such a server may be as well as ever: a check that asks
  /// for the wrong path, or a certificate that was renewed, fails in this way.
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
