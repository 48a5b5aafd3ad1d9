import HTTP1
import TLS
import Wire

/// One client's connection to an example server: serves its requests one after the other, including pipelined ones (RFC
/// 9112 §9.3.2).
package struct ExampleConnection<Stream: ByteStream & ~Copyable>: ~Copyable {
  var stream: Stream
  var received = ReceivedBytes()
  let state: ExampleServerState

  package init(stream: consuming Stream, state: ExampleServerState) {
    self.stream = stream
    self.state = state
  }

  /// How long a connection may be idle between requests, and a peer silent within one. Longer than the load balancer's
  /// timeout, so that the load balancer closes first.
  package static var idleLimit: Interval { .minutes(2) }

  /// Serves until either side closes. An invalid request is answered before the connection is closed; throws only
  /// errors of the connection.
  package mutating func serve() throws(DemoError) {
    do {
      var continues = true
      while continues { continues = try serveRequest() }
    } catch {
      guard case .refused(let status, let reason) = error else { throw error }
      try send(ExampleAnswer(status, text: reason), closes: true)
    }
    try stream.finish()
  }

  /// Reads and answers one request. False when the connection must be closed.
  private mutating func serveRequest() throws(DemoError) -> Bool {
    stream.timeout = Self.idleLimit
    guard let (request, head) = try nextRequest() else { return false }
    state.countRequest()
    let endpoint = ExampleEndpoint(request)
    switch endpoint {
    case .tunnel:
      return try serveTunnel(request, head)
    case .broker:
      let body = try keepBody(head, limit: ExampleSite.longestBrokerRequest)
      try send(state.site.broker(body, sessionID: state.newSessionID()), closes: !request.keepsAlive)
    case .digest:
      try send(ExampleAnswer(.ok, text: try digestBody(head)), closes: !request.keepsAlive)
    default:
      try skipBody(head)
      return try answer(request, at: endpoint)
    }
    return request.keepsAlive
  }

  /// Answers a request without using its content.
  private mutating func answer(_ request: ExampleRequest, at endpoint: ExampleEndpoint) throws(DemoError) -> Bool {
    switch endpoint {
    case .page: return try complete(request, state.site.page(for: request, sessionID: state.newSessionID()))
    case .favicon: return try complete(request, state.site.favicon(isDraining: state.isDraining))
    case .headers: return try complete(request, ExampleAnswer(.ok, "text/plain", Array(request.text.utf8)))
    case .slow(let milliseconds):
      try stream.pause(.milliseconds(UInt64(milliseconds)))
      return try complete(request, ExampleAnswer(.ok, text: "That took \(milliseconds) ms."))
    case .bytes(let count): return try sendPattern(request, count, framing: .length(count))
    case .chunks(let count): return try sendPattern(request, count, framing: request.isHTTP11 ? .chunked : .untilClose)
    case .untilClose: return try sendUntilClose(request)
    case .webSocket: return try serveWebSocket(request)
    case .badRequest(let reason): return try complete(request, ExampleAnswer(.badRequest, text: reason))
    case .methodNotAllowed(let methods):
      let answer = ExampleAnswer(.methodNotAllowed, text: "\(methods) only.", [.init("Allow", methods)])
      return try complete(request, answer)
    case .notFound, .broker, .digest, .tunnel:
      return try complete(request, ExampleAnswer(.notFound, text: "There is nothing at \(request.path)."))
    }
  }

  /// The next request's head; nil when the client has closed between two requests.
  private mutating func nextRequest() throws(DemoError) -> (ExampleRequest, RequestHead)? {
    let limits = HeadLimits()
    var scanner = HeadScanner()
    while true {
      if !received.isEmpty, scanner.isWorthParsing(received.span, limits: limits) {
        switch RequestHead.parse(received.span, limits: limits) {
        case .head(let head):
          let text = String(decoding: received.bytes(0..<head.length), as: UTF8.self)
          received.consume(head.length)
          return (ExampleRequest(text: text, isHTTP11: head.version == .http11, keepsAlive: head.keepAlive), head)
        case .rejected(let rejection):
          throw .refused(ExampleAnswer.Status(rejection.status), "\(rejection.reason)")
        case .incomplete: break
        }
      }
      guard try received.receive(from: &stream) else {
        guard received.isEmpty else { throw .broken("the client went in the middle of a request's head") }
        return nil
      }
    }
  }

  /// Sends a complete response, without its body for HEAD (RFC 9110 §9.3.2). Returns whether the connection stays open.
  mutating func complete(_ request: ExampleRequest, _ answer: ExampleAnswer) throws(DemoError) -> Bool {
    var sent = answer
    if request.method == "HEAD" { sent.body = [] }
    try send(sent, closes: !request.keepsAlive)
    return request.keepsAlive
  }

  mutating func send(_ answer: ExampleAnswer, closes: Bool) throws(DemoError) {
    let bytes = answer.head(server: state.site.name, closes: closes) + answer.body
    try stream.send(bytes.span)
  }
}
