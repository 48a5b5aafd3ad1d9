import HTTP1

/// OCSP requests and responses over HTTP (RFC 6960 appendix A).
enum OCSPMessage {
  /// Responses have one or two kilobytes, with the signer's certificate three. Larger ones do not fit in the buffer.
  private static let limits = HeadLimits(bytes: 8_192, fieldLines: 64)

  /// The HTTP request. HTTP/1.0: the response ends with its length or the connection, and is never chunked.
  static func request(_ question: [UInt8], to responder: ResponderURL) -> [UInt8] {
    let head =
      "POST \(responder.path) HTTP/1.0\r\nHost: \(responder.authority)\r\nContent-Type: application/ocsp-request\r\n"
      + "Content-Length: \(question.count)\r\n\r\n"
    return Array(head.utf8) + question
  }

  /// The content of a complete response; nil when it is incomplete.
  static func content(of bytes: Span<UInt8>, hasEnded: Bool) throws(ResponderFailure) -> [UInt8]? {
    switch ResponseHead.parse(bytes, to: AnsweredRequest(version: .http10), limits: limits) {
    case .incomplete: return nil
    case .rejected(let rejection): throw ResponderFailure("malformed answer: \(rejection.reason)")
    case .head(let head):
      guard head.status == 200 else { throw ResponderFailure("the responder answers with status \(head.status)") }
      var body = BodyTracker(head.framing)
      let progress = body.advance(over: bytes.extracting(droppingFirst: head.length))
      guard progress.state == .complete || hasEnded && body.end() else { return nil }
      var content: [UInt8] = []
      content.reserveCapacity(progress.accepted)
      for index in head.length..<head.length + progress.accepted { content.append(bytes[index]) }
      return content
    }
  }
}

/// Why there is no response, as text.
struct ResponderFailure: Error, Equatable {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
