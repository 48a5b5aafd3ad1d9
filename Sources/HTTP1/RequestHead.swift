import Wire

/// The head of one request, understood: offsets into the span it was parsed from, and what follows from its fields.
///
/// It holds no bytes. `length` bytes of the span belong to it; the body, or the next request, begins behind them.
package struct RequestHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, an ignored empty line before it (RFC 9112 §2.2) and the empty line at its end included.
  package internal(set) var length: Int
  package internal(set) var method: Method
  /// The method as written.
  package internal(set) var methodName: ByteRange
  /// The request target as written.
  package internal(set) var target: ByteRange
  package internal(set) var targetForm: TargetForm
  /// The path without its query; empty for the asterisk form and for an absolute form without a path (which means `/`).
  package internal(set) var path: ByteRange
  /// The path and, with its `?`, the query.
  package internal(set) var pathAndQuery: ByteRange
  package internal(set) var version: Version
  /// The value of Host, without the white space around it; absent only in HTTP/1.0.
  package internal(set) var host: ByteRange
  package internal(set) var framing: Framing
  /// Whether the client would go on using its connection (RFC 9112 §9.3).
  package internal(set) var keepAlive: Bool
  /// Whether the client waits for 100 (Continue) before it sends its body (RFC 9110 §10.1.1).
  package internal(set) var expectsContinue: Bool
  /// Whether it asks for a WebSocket (RFC 6455 §4.1). Other protocols are not offered to the server: their `Upgrade`
  /// is dropped, as RFC 9110 §7.8 allows.
  package internal(set) var upgradeRequested: Bool
  /// Whether it carries credentials that authenticate the connection, not the request (NTLM, Negotiate): the server
  /// connection that it goes out on may serve no other client from then on.
  package internal(set) var bindsAuthentication: Bool

  /// Whether it may be sent again without asking (RFC 9110 §9.2.2).
  package var isIdempotent: Bool { method.isIdempotent }
}

extension RequestHead {
  /// Reads one request head from the start of `bytes`.
  package static func parse(_ bytes: Span<UInt8>, limits: HeadLimits) -> Parsed<RequestHead> {
    .incomplete
  }

  /// Writes the head as the server is to see it: same names, case and order; hop-by-hop fields (RFC 9110 §7.6.1)
  /// removed, X-Forwarded fields as `forwarding` says, and `Connection` as `connection` says.
  ///
  /// `bytes` are those the head was parsed from. An HTTP/1.0 request stays HTTP/1.0, so that the server does not answer
  /// in chunks, which its client could not read.
  @inlinable
  package func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, forwarding: borrowing ForwardedFields, connection: Persistence, into sink: inout Sink
  ) {
  }
}
