/// The resources of an example server.
package enum ExampleEndpoint: Equatable, Sendable {
  /// `GET /`: a page with details of the server and the client.
  case page
  /// `GET /favicon.ico`: the health check. 200, or 503 while the server drains.
  case favicon
  /// `POST /broker/xml`: XML request and response.
  case broker
  /// `POST /ice/tunnel?…`, `/ice/reconnect?…`: echoes every chunk of the request as a chunk of the response.
  case tunnel
  /// `GET /ws`: a WebSocket that echoes every message.
  case webSocket
  /// `GET /bytes/N`: N bytes of the pattern, with a Content-Length.
  case bytes(UInt64)
  /// `GET /chunks/N`: N bytes of the pattern in chunks.
  case chunks(UInt64)
  /// `PUT` or `POST /digest`: the SHA-256 of the request's content.
  case digest
  /// `GET /slow?ms=N`: a response after N milliseconds.
  case slow(milliseconds: UInt32)
  /// `GET /close`: a response that ends with the connection.
  case untilClose
  /// `GET /headers`: the request's head, unchanged.
  case headers
  case notFound
  /// The path exists, but only with these methods.
  case methodNotAllowed(String)
  /// A number is missing or too large, or a WebSocket handshake is invalid.
  case badRequest(String)

  /// The most bytes per response: a tebibyte.
  package static let mostBytes: UInt64 = 1 << 40
  /// The longest `/slow`: ten minutes.
  package static let longestDelay: UInt64 = 600_000

  /// The resource that `request` refers to.
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
