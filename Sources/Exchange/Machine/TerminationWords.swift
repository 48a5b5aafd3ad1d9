import HTTP1

extension Termination {
  /// The two letters in the access log.
  public var code: String { String(decoding: [cause.rawValue, phase.rawValue], as: UTF8.self) }

  /// Who ended it, and when, for people; nil for a normal end.
  public var words: String? {
    guard let cause = cause.words else { return nil }
    return [cause, phase.words].compactMap { $0 }.joined(separator: " ")
  }
}

extension Termination.Cause {
  fileprivate var words: String? {
    switch self {
    case .normal: nil
    case .client: "the client closed the connection"
    case .server: "the server closed or refused the connection, or there was none"
    case .proxy: "Belvedere refused it"
    case .resource: "a resource of this machine was exhausted"
    case .down: "the server was declared down"
    case .killed: "the service stopped"
    case .clientTimeout: "the client took too long"
    case .serverTimeout: "the server took too long"
    case .local: "Belvedere answered itself"
    }
  }
}

extension Termination.Phase {
  fileprivate var words: String? {
    switch self {
    case .normal: nil
    case .request: "before the request was complete"
    case .queue: "while it waited for a place at a server"
    case .connect: "while the connection to the server was opened"
    case .headers: "before the response began"
    case .data: "while data was passed on"
    }
  }
}

extension Exchange {
  /// After a normal end: why the client's connection carries no other request, for people; nil if the owner has decided.
  public var closingWords: String? {
    if kind == .opaque || record.status == 101 { return "both directions have ended" }
    return switch clientUse {
    case .halfClosed: "the client has ended its direction"
    case .closes where request?.keepAlive == false: "the client wanted it (Connection: close, or HTTP/1.0)"
    case .continues where outbound.side != .complete: "the response ended before the request"
    case .closes, .continues: nil
    }
  }
}
