/// A request method, as far as relaying depends on it (RFC 9110 §9). The parser refuses CONNECT and TRACE, so they have
/// no case.
public enum Method: UInt8, BitwiseCopyable, Sendable {
  case get, head, post, put, delete, options, patch
  /// Any other upper-case token; relayed unchanged.
  case other

  /// Whether sending it twice has the same effect as once (RFC 9110 §9.2.2). False for an unknown method.
  public var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .options: true
    case .post, .patch, .other: false
    }
  }
}

/// A supported protocol version; others are refused with 505.
public enum Version: UInt8, BitwiseCopyable, Sendable {
  case http10, http11
}

/// The form of a request target (RFC 9112 §3.2). The authority form belongs to CONNECT and is refused.
public enum TargetForm: UInt8, BitwiseCopyable, Sendable {
  /// `/path?query`
  case origin
  /// `http://authority/path?query`; its authority equals Host, and it is forwarded in origin form.
  case absolute
  /// `*`, with OPTIONS only.
  case asterisk
}

/// What happens to a connection after a message, and the `Connection` field for it (RFC 9112 §9).
public enum Persistence: UInt8, BitwiseCopyable, Sendable {
  case keepAlive, close
  /// The message requests or accepts an upgrade (RFC 9110 §7.8).
  case upgrade
}
