import Wire

/// A small answer of our own, after which the connection is closed.
package struct StatusPage: BitwiseCopyable, Sendable {
  package var status: Status
  /// Whether it answers HEAD: the head of the answer alone is written (RFC 9110 §9.3.2).
  package var isToHead: Bool
  /// Seconds for `Retry-After` (RFC 9110 §10.2.3).
  package var retryAfterSeconds: UInt32?

  package init(_ status: Status, isToHead: Bool = false, retryAfterSeconds: UInt32? = nil) {
    self.status = status
    self.isToHead = isToHead
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Writes the whole answer with a line of plain text for a body, or with `replacement` as `text/html`.
  package func render<Sink: ByteSink & ~Copyable>(replacement: Span<UInt8>? = nil, into sink: inout Sink) {
  }
}
