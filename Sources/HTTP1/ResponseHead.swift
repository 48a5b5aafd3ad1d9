import Wire

/// What must be known of a request to understand its answer.
package struct AnsweredRequest: BitwiseCopyable, Sendable {
  /// The answer to HEAD has no body whatever its fields say (RFC 9110 §9.3.2).
  package var isHead: Bool
  package var version: Version
  /// Whether 101 may be answered.
  package var upgradeRequested: Bool

  package init(isHead: Bool = false, version: Version = .http11, upgradeRequested: Bool = false) {
    self.isHead = isHead
    self.version = version
    self.upgradeRequested = upgradeRequested
  }

  package init(_ head: RequestHead) {
    self.init(isHead: head.method == .head, version: head.version, upgradeRequested: head.upgradeRequested)
  }
}

/// The head of one answer, understood: offsets into the span it was parsed from, and what follows from its fields.
package struct ResponseHead: BitwiseCopyable, Sendable {
  /// Bytes of the head, the empty line at its end included.
  package internal(set) var length: Int
  /// 100 to 599.
  package internal(set) var status: UInt16
  package internal(set) var version: Version
  package internal(set) var framing: Framing
  /// Whether the server would go on using its connection (RFC 9112 §9.3). Never with a body until close.
  package internal(set) var keepAlive: Bool
  /// Whether the answer authenticates the connection, not the request (NTLM, Negotiate): the connection may serve no
  /// other client from then on.
  package internal(set) var bindsAuthentication: Bool

  /// A 1xx other than 101: another answer follows. To be kept from HTTP/1.0 clients (RFC 9110 §15.2).
  package var isInterim: Bool { status < 200 && status != 101 }
  /// 101: both directions are an opaque stream from here on.
  package var isUpgrade: Bool { status == 101 }
}

extension ResponseHead {
  /// Reads one answer's head from the start of `bytes`. What is refused here becomes a 502 for the client.
  package static func parse(
    _ bytes: Span<UInt8>, to request: AnsweredRequest, limits: HeadLimits
  ) -> Parsed<ResponseHead> {
    .incomplete
  }

  /// Writes the head as a client that speaks `clientVersion` is to see it: HTTP/1.1, hop-by-hop fields removed,
  /// `Connection` as `connection` says (`close` whatever it says when the body ends with the connection).
  @inlinable
  package func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, connection: Persistence, clientVersion: Version, into sink: inout Sink
  ) {
  }
}
