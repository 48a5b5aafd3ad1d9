import HTTP1

/// An answer of an example server: its head, and its body when that is short.
package struct ExampleAnswer: Equatable, Sendable {
  /// A status code and its reason phrase (RFC 9110 §15).
  package struct Status: Equatable, Sendable {
    package let code: UInt16
    package let phrase: String

    private init(_ code: UInt16, _ phrase: String) {
      self.code = code
      self.phrase = phrase
    }

    /// The status that a request earns which HTTP1 refuses.
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

  /// How the end of the body is told (RFC 9112 §6.3).
  package enum Framing: Equatable, Sendable {
    case length(UInt64)
    case chunked
    case untilClose
    /// There is no body, and no field says so: 101.
    case none
  }

  package var status: Status
  package var fields: [ExampleRequest.Field]
  package var framing: Framing
  /// The whole body; empty when the body is streamed after the head.
  package var body: [UInt8]

  /// An answer whose body is at hand.
  package init(_ status: Status, _ type: String, _ body: [UInt8], _ fields: [ExampleRequest.Field] = []) {
    self.status = status
    self.fields = [ExampleRequest.Field("Content-Type", type)] + fields
    self.body = body
    framing = .length(UInt64(body.count))
  }

  /// A line of text.
  package init(_ status: Status, text: String, _ fields: [ExampleRequest.Field] = []) {
    self.init(status, "text/plain;charset=UTF-8", Array((text + "\n").utf8), fields)
  }

  /// The head of an answer whose body is streamed.
  package init(_ status: Status, streaming framing: Framing, _ fields: [ExampleRequest.Field]) {
    self.status = status
    self.fields = fields
    self.framing = framing
    body = []
  }

  /// The head as it goes over the wire. `closes` says that the connection ends with this answer.
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
