/// An answer of an example server: its head, and its body when that is short.
package struct ExampleAnswer: Equatable, Sendable {
  package enum Status: UInt16, Sendable {
    case switchingProtocols = 101
    case ok = 200
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case contentTooLarge = 413
    case upgradeRequired = 426
    case serviceUnavailable = 503

    /// RFC 9110 §15.
    package var phrase: String {
      switch self {
      case .switchingProtocols: "Switching Protocols"
      case .ok: "OK"
      case .badRequest: "Bad Request"
      case .notFound: "Not Found"
      case .methodNotAllowed: "Method Not Allowed"
      case .contentTooLarge: "Content Too Large"
      case .upgradeRequired: "Upgrade Required"
      case .serviceUnavailable: "Service Unavailable"
      }
    }
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
    var lines = ["HTTP/1.1 \(status.rawValue) \(status.phrase)", "Server: Belvedere example \(name)"]
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
