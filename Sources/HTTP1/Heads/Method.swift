/// A request method as far as relaying it depends on it (RFC 9110 §9). CONNECT and TRACE are refused by the parser,
/// so they have no case.
public enum Method: UInt8, BitwiseCopyable, Sendable {
  case get, head, post, put, delete, options, patch
  /// Any other upper-case token; relayed as it is.
  case other

  /// Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2). An unknown method is not.
  public var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .options: true
    case .post, .patch, .other: false
    }
  }
}

/// A protocol version that this proxy speaks; any other is refused with 505.
public enum Version: UInt8, BitwiseCopyable, Sendable {
  case http10, http11
}

/// How a request target is written (RFC 9112 §3.2). The authority form belongs to CONNECT and is refused.
public enum TargetForm: UInt8, BitwiseCopyable, Sendable {
  /// `/path?query`
  case origin
  /// `http://authority/path?query`; its authority agrees with Host, and it is forwarded in origin form.
  case absolute
  /// `*`, with OPTIONS only.
  case asterisk
}

/// What becomes of a connection after a message, and so what its `Connection` field says (RFC 9112 §9).
public enum Persistence: UInt8, BitwiseCopyable, Sendable {
  case keepAlive, close
  /// The message asks for, or grants, an upgrade (RFC 9110 §7.8).
  case upgrade
}
