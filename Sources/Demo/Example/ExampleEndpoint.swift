/// What an example server has at its paths.
package enum ExampleEndpoint: Equatable, Sendable {
  /// `GET /`: a page that names the server and the client.
  case page
  /// `GET /favicon.ico`: the health check. 200, or 503 while the server drains.
  case favicon
  /// `POST /broker/xml`: XML in, XML out.
  case broker
  /// `POST /ice/tunnel?…`, `/ice/reconnect?…`: every chunk of the request comes back as a chunk of the answer.
  case tunnel
  /// `GET /ws`: a WebSocket that sends every message back.
  case webSocket
  /// `GET /bytes/N`: N bytes of the pattern, with a Content-Length.
  case bytes(UInt64)
  /// `GET /chunks/N`: N bytes of the pattern in chunks.
  case chunks(UInt64)
  /// `PUT` or `POST /digest`: the SHA-256 of the request's content.
  case digest
  /// `GET /slow?ms=N`: an answer after N milliseconds.
  case slow(milliseconds: UInt32)
  /// `GET /close`: an answer that ends with the connection.
  case untilClose
  /// `GET /headers`: the request's head, as it came.
  case headers
  case notFound
  /// The path is there, and may be asked for in these ways only.
  case methodNotAllowed(String)
  /// A number is missing or too large, or a WebSocket's handshake is wrong.
  case badRequest(String)

  /// Most bytes asked for at once: a tebibyte.
  package static let mostBytes: UInt64 = 1 << 40
  /// Longest `/slow`: ten minutes.
  package static let longestDelay: UInt64 = 600_000

  /// What `request` asks for.
  package init(_ request: ExampleRequest) {
    let (endpoint, methods) = Self.resource(request)
    self = methods.contains(request.method) ? endpoint : .methodNotAllowed(methods.joined(separator: ", "))
    if case .notFound = endpoint { self = .notFound }
  }

  private static func resource(_ request: ExampleRequest) -> (Self, methods: [String]) {
    let reading = ["GET", "HEAD"]
    switch request.path {
    case "/": return (.page, reading)
    case "/favicon.ico": return (.favicon, reading)
    case "/broker/xml": return (.broker, ["POST"])
    case "/ice/tunnel", "/ice/reconnect": return (.tunnel, ["POST"])
    case "/ws": return (.webSocket, ["GET"])
    case "/digest": return (.digest, ["PUT", "POST"])
    case "/slow": return (slow(request), reading)
    case "/close": return (.untilClose, reading)
    case "/headers": return (.headers, reading)
    default: return (sized(request.path), reading)
    }
  }

  private static func slow(_ request: ExampleRequest) -> Self {
    guard let delay = request.number("ms"), delay <= longestDelay else {
      return .badRequest("/slow?ms=N wants N from 0 to \(longestDelay)")
    }
    return .slow(milliseconds: UInt32(delay))
  }

  private static func sized(_ path: String) -> Self {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "bytes" || parts[1] == "chunks" else { return .notFound }
    guard let count = UInt64(parts[2]), count <= mostBytes else {
      return .badRequest("\(path) wants a number from 0 to \(mostBytes) at its end")
    }
    return parts[1] == "bytes" ? .bytes(count) : .chunks(count)
  }
}
