import Wire

/// A small answer of our own, after which the connection is closed.
///
/// It has no Date, which RFC 9110 §6.6.1 asks of a server with a clock: this module has none.
public struct StatusPage: BitwiseCopyable, Sendable {
  public var status: Status
  /// Whether it answers HEAD: the head of the answer alone is written (RFC 9110 §9.3.2).
  public var isToHead: Bool
  /// Seconds for `Retry-After` (RFC 9110 §10.2.3).
  public var retryAfterSeconds: UInt32?

  public init(_ status: Status, isToHead: Bool = false, retryAfterSeconds: UInt32? = nil) {
    self.status = status
    self.isToHead = isToHead
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Writes the whole answer, with a line of plain text for a body.
  public func render<Sink: ByteSink & ~Copyable>(into sink: inout Sink) {
    // Status code, SP, phrase, LF.
    renderHead(contentType: "text/plain; charset=utf-8", length: status.phrase.utf8CodeUnitCount + 5, into: &sink)
    guard !isToHead else { return }
    sink.append(decimal: UInt64(status.rawValue))
    sink.append(UInt8(ascii: " "))
    sink.append(status.phrase)
    sink.append(UInt8(ascii: "\n"))
  }

  /// Writes the whole answer, with an operator's HTML page for a body.
  public func render<Sink: ByteSink & ~Copyable>(page: Span<UInt8>, into sink: inout Sink) {
    renderHead(contentType: "text/html; charset=utf-8", length: page.count, into: &sink)
    if !isToHead { sink.append(page) }
  }

  private func renderHead<Sink: ByteSink & ~Copyable>(
    contentType: StaticString, length: Int, into sink: inout Sink
  ) {
    sink.append("HTTP/1.1 ")
    sink.append(decimal: UInt64(status.rawValue))
    sink.append(UInt8(ascii: " "))
    sink.append(status.phrase)
    sink.append("\r\nContent-Type: ")
    sink.append(contentType)
    sink.append("\r\nContent-Length: ")
    sink.append(decimal: UInt64(length))
    // A browser is not to guess that a page is anything but what it is said to be.
    sink.append("\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n")
    // RFC 9110 §15.5.6: 405 says what is allowed.
    if status == .methodNotAllowed { sink.append("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n") }
    if let seconds = retryAfterSeconds {
      sink.append("Retry-After: ")
      sink.append(decimal: UInt64(seconds))
      sink.append("\r\n")
    }
    sink.append("Connection: close\r\n\r\n")
  }
}
