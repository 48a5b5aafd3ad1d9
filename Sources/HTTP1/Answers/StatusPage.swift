import Wire

/// A small generated response, after which the connection is closed unless it says otherwise.
///
/// It has no Date, which RFC 9110 §6.6.1 requires of a server with a clock: this module has no clock.
public struct StatusPage: BitwiseCopyable, Sendable {
  public var status: Status
  /// Whether it responds to HEAD: only the head is written (RFC 9110 §9.3.2).
  public var isToHead: Bool
  /// Seconds for `Retry-After` (RFC 9110 §10.2.3).
  public var retryAfterSeconds: UInt32?
  /// Whether the client, of HTTP/1.1, may send another request on the connection.
  public var keepsAlive = false

  public init(_ status: Status, isToHead: Bool = false, retryAfterSeconds: UInt32? = nil) {
    self.status = status
    self.isToHead = isToHead
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Writes the complete response, with a line of plain text as the body. `fields`: further lines of the head.
  public func render<Sink: ByteSink & ~Copyable>(fields: [UInt8] = [], into sink: inout Sink) {
    // Status code, SP, phrase, LF.
    let length = status.phrase.utf8CodeUnitCount + 5
    renderHead(contentType: "text/plain; charset=utf-8", length: length, fields, into: &sink)
    guard !isToHead else { return }
    sink.append(decimal: UInt64(status.rawValue))
    sink.append(UInt8(ascii: " "))
    sink.append(status.phrase)
    sink.append(UInt8(ascii: "\n"))
  }

  /// Writes the complete response, with the operator's HTML page as the body.
  public func render<Sink: ByteSink & ~Copyable>(page: Span<UInt8>, fields: [UInt8] = [], into sink: inout Sink) {
    renderHead(contentType: "text/html; charset=utf-8", length: page.count, fields, into: &sink)
    if !isToHead { sink.append(page) }
  }

  private func renderHead<Sink: ByteSink & ~Copyable>(
    contentType: StaticString, length: Int, _ fields: [UInt8], into sink: inout Sink
  ) {
    sink.append("HTTP/1.1 ")
    sink.append(decimal: UInt64(status.rawValue))
    sink.append(UInt8(ascii: " "))
    sink.append(status.phrase)
    sink.append("\r\nContent-Type: ")
    sink.append(contentType)
    sink.append("\r\nContent-Length: ")
    sink.append(decimal: UInt64(length))
    // Browsers must not guess another content type.
    sink.append("\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n")
    // RFC 9110 §15.5.6: 405 lists the allowed methods.
    if status == .methodNotAllowed { sink.append("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n") }
    if let seconds = retryAfterSeconds {
      sink.append("Retry-After: ")
      sink.append(decimal: UInt64(seconds))
      sink.append("\r\n")
    }
    sink.append(fields.span)
    sink.append(keepsAlive ? "\r\n" : "Connection: close\r\n\r\n")
  }
}
