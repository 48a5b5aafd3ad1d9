import HTTP1

/// A response of an example server: its head, and a short body.
package struct ExampleAnswer: Equatable, Sendable {
  /// A status code and its reason phrase (RFC 9110 §15).
  package struct Status: Equatable, Sendable {
    package let code: UInt16
    package let phrase: String

    private init(_ code: UInt16, _ phrase: String) {
      self.code = code
      self.phrase = phrase
    }

    /// The status for a request that HTTP1 refuses.
    package init(_ status: HTTP1.Status) {
      self.init(status.rawValue, "\(status.phrase)")
    }

    package static let switchingProtocols = Status(101, "Switching Protocols")
    package static let ok = Status(200, "OK")
    package static let badRequest = Status(.badRequest)
    package static let notFound = Status(404, "Not Found")
    package static let methodNotAllowed = Status(.methodNotAllowed)
    package static let contentTooLarge = Status(.contentTooLarge)
    package static let upgradeRequired = Status(426, "Upgrade Required")
    package static let serviceUnavailable = Status(.serviceUnavailable)
  }

  /// How the end of the body is indicated (RFC 9112 §6.3).
  package enum Framing: Equatable, Sendable {
    case length(UInt64)
    case chunked
    case untilClose
    /// No body and no field for it: 101.
    case none
  }

  package var status: Status
  package var fields: [ExampleRequest.Field]
  package var framing: Framing
  /// The whole body; empty when the body is streamed after the head.
  package var body: [UInt8]

  /// A response with a complete body.
  package init(_ status: Status, _ type: String, _ body: [UInt8], _ fields: [ExampleRequest.Field] = []) {
    self.status = status
    self.fields = [ExampleRequest.Field("Content-Type", type)] + fields
    self.body = body
    framing = .length(UInt64(body.count))
  }

  /// A response with a line of text.
  package init(_ status: Status, text: String, _ fields: [ExampleRequest.Field] = []) {
    self.init(status, "text/plain;charset=UTF-8", Array((text + "\n").utf8), fields)
  }

  /// The head of a response whose body is streamed.
  package init(_ status: Status, streaming framing: Framing, _ fields: [ExampleRequest.Field]) {
    self.status = status
    self.fields = fields
    self.framing = framing
    body = []
  }

  /// The serialised head. `closes`: the connection is closed after this response.
  package func head(server name: String, closes: Bool) -> [UInt8] {
    var lines = ["HTTP/1.1 \(status.code) \(status.phrase)", "Server: Belvedere example \(name)"]
    lines += fields.map { "\($0.name): \($0.value)" }
    switch framing {
    case .length(let count): lines.append("Content-Length: \(count)")
    case .chunked: lines.append("Transfer-Encoding: chunked")
    case .untilClose, .none: break
    }
    if closes { lines.append("Connection: close") }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }
}
