import HTTP1

/// An answer to a request.
package struct ObserverAnswer: Hashable, Sendable {
  /// A status code and its reason phrase.
  package struct Status: Hashable, Sendable {
    package let code: UInt16
    let phrase: String

    static let ok = Status(code: 200, phrase: "OK")
    static let unauthorized = Status(code: 401, phrase: "Unauthorized")
    static let forbidden = Status(.forbidden)
    static let notFound = Status(code: 404, phrase: "Not Found")

    private init(code: UInt16, phrase: String) {
      self.code = code
      self.phrase = phrase
    }

    /// One that Belvedere's own answers have.
    init(_ status: HTTP1.Status) {
      self.init(code: status.rawValue, phrase: "\(status.phrase)")
    }
  }

  package var status: Status
  package var mediaType = "text/plain; charset=utf-8"
  package var body: [UInt8]
  /// Whether more follows, as long as the client stays.
  package var isStream = false
  /// The value of Content-Security-Policy.
  var policy = "default-src 'none'; frame-ancestors 'none'"

  /// The answer with this text.
  static func ok(_ text: [UInt8], as mediaType: String) -> ObserverAnswer {
    ObserverAnswer(status: .ok, mediaType: mediaType, body: text)
  }

  /// A line for people.
  static func failure(_ status: Status, _ line: String? = nil) -> ObserverAnswer {
    ObserverAnswer(status: status, body: Array("\(status.code) \(status.phrase)\(line.map { ": " + $0 } ?? "")\n".utf8))
  }

  /// Instead of a stream where there are too many.
  package static let tooManyStreams = failure(Status(.serviceUnavailable), "too many pages are open")

  /// To a request without TLS.
  static let plainRequest = failure(Status(.badRequest), "\(PlainRequestAnswer.words)")

  /// What precedes the body. A stream ends with the connection.
  func head(keepsAlive: Bool) -> [UInt8] {
    var head = """
      HTTP/1.1 \(status.code) \(status.phrase)\r
      Content-Type: \(mediaType)\r
      Cache-Control: no-store\r
      X-Content-Type-Options: nosniff\r
      Referrer-Policy: no-referrer\r
      Content-Security-Policy: \(policy)\r\n
      """
    if !isStream { head += "Content-Length: \(body.count)\r\n" }
    if status == .unauthorized {
      // Browsers ask for a password.
      head += "WWW-Authenticate: Bearer realm=\"belvedere\"\r\nWWW-Authenticate: Basic realm=\"belvedere\"\r\n"
    }
    if status.code == 405 { head += "Allow: GET, HEAD\r\n" }
    if !keepsAlive { head += "Connection: close\r\n" }
    return Array(head.utf8) + Array("\r\n".utf8)
  }
}
