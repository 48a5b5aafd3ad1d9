import HTTP1
import Wire

@testable import Exchange

/// An exchange in virtual time, its two buffers, and the bytes sent to either side.
struct TestExchange {
  var exchange: Exchange
  let policy: ExchangePolicy
  var now = Instant(nanoseconds: 1_000_000_000)
  /// Received and not consumed.
  private(set) var fromClient: [UInt8] = []
  private(set) var fromServer: [UInt8] = []
  private(set) var toClient = ""
  /// Number of bytes of heads not yet sent to the client.
  private var heads = 0
  /// Bytes that the current server has received.
  private(set) var toServer = ""

  init(policy: ExchangePolicy = ExchangePolicy(), number: Int = 1, isPrivate: Bool = false) {
    self.policy = policy
    exchange = Exchange(number: number, isPrivate: isPrivate, retries: policy.retries, at: now)
  }

  /// Opaque bytes from the start.
  static func tunnel() -> TestExchange {
    var test = TestExchange()
    test.becomeTunnel()
    return test
  }

  /// An exchange with a complete or partial request, before its first attempt.
  static func of(_ request: String, policy: ExchangePolicy = ExchangePolicy()) -> TestExchange {
    var test = TestExchange(policy: policy)
    _ = test.receive(request)
    return test
  }

  mutating func becomeTunnel() {
    exchange = Exchange(number: 1, kind: .opaque, retries: policy.retries, at: now)
    tell(.accepted(isLast: true))
  }

  @discardableResult
  mutating func tell(_ event: Exchange.Event) -> Effects { exchange.handle(event, policy: policy, at: now) }

  /// The server side fails; returns the decision.
  mutating func recover(from failure: ServerFailure) -> Recovery {
    var copy = exchange
    let recovery = copy.recover(from: failure, timeouts: policy.timeouts, at: now)
    _ = exchange.fail(failure, policy.timeouts, at: now)
    return recovery
  }

  /// The termination state of the exchange once its response is sent; nil before.
  var termination: Termination {
    switch exchange.state {
    case .replying(let termination), .done(let termination): termination
    default: Termination()
    }
  }

  mutating func pass(_ interval: Interval) { now = now + interval }

  // MARK: The client's side

  /// Receives bytes, or the end, from the client, and accepts a request whose head is complete.
  @discardableResult
  mutating func receive(_ text: String, end: StreamEnd? = nil) -> RequestStep {
    let step = read(text, end: end).step
    if step == .head { tell(.accepted(isLast: false)) }
    return step
  }

  /// Receives bytes, or the end, from the client.
  @discardableResult
  mutating func read(_ text: String, end: StreamEnd? = nil) -> (step: RequestStep, effects: Effects) {
    fromClient += Array(text.utf8)
    exchange.received(text.utf8.count)
    let bytes = fromClient
    return exchange.requestSide == .head
      ? exchange.readRequestHead(bytes.span, end: end, policy: policy, at: now)
      : exchange.readRequestBody(bytes.span, end: end, at: now)
  }

  /// The client's bytes after the approved ones.
  var unread: String { String(decoding: fromClient.dropFirst(exchange.requestCursor.approved), as: UTF8.self) }

  /// Sends all pending bytes to the client.
  mutating func deliver() {
    deliverHeads()
    let cursor = exchange.responseCursor
    exchange.delivered(cursor.pending, at: now)
    toClient += String(decoding: fromServer[cursor.sent..<cursor.approved], as: UTF8.self)
    fromServer.removeFirst(exchange.movedResponse(cursor.pending))
  }

  /// Sends the pending heads to the client.
  mutating func deliverHeads() {
    exchange.delivered(heads, at: now)
    heads = 0
  }

  // MARK: The server's side

  /// Connects to a server, and sends the head.
  mutating func attempt(isReused: Bool = false, keepAlive: Bool = true) {
    connect()
    tell(.connected(isReused: isReused))
    toServer = ""
    guard exchange.request != nil else { return }
    var sink = ByteWriter(limit: 1 << 16)
    let bytes = fromClient
    exchange.sendRequestHead(from: bytes.span, forwarding: TestExchange.client, keepAlive: keepAlive, into: &sink)
    toServer = String(decoding: sink.bytes, as: UTF8.self)
  }

  /// Starts to connect to a server.
  mutating func connect() {
    if case .queued = exchange.state { tell(.placed(isOther: false)) }
    tell(.connecting)
  }

  static let client = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true)

  /// Sends all pending bytes to the server.
  mutating func send() {
    let cursor = exchange.requestCursor
    toServer += String(decoding: fromClient[cursor.sent..<cursor.approved], as: UTF8.self)
    exchange.sentRequest(cursor.pending, at: now)
  }

  /// Drops the bytes of the request that were sent.
  mutating func forget() { fromClient.removeFirst(exchange.dropSentRequest()) }

  /// Receives bytes, or the end, from the server. Returns all steps, including heads.
  @discardableResult
  mutating func respond(_ text: String, end: StreamEnd? = nil) -> [ResponseStep] {
    readResponse(text, end: end).steps
  }

  /// The same, with the effects.
  mutating func readResponse(_ text: String, end: StreamEnd? = nil) -> (steps: [ResponseStep], effects: Effects) {
    fromServer += Array(text.utf8)
    var steps: [ResponseStep] = []
    while true {
      var sink = ByteWriter(limit: 1 << 16)
      let bytes = fromServer
      let (step, effects) = exchange.readResponse(bytes.span, end: end, policy: policy, at: now, into: &sink)
      steps.append(step)
      toClient += String(decoding: sink.bytes, as: UTF8.self)
      heads += sink.bytes.count
      guard step == .head else { return (steps, effects) }
      fromServer.removeFirst(exchange.movedResponse(0))
    }
  }

  /// A whole exchange from a request to the last byte of its response.
  static func whole(_ request: String, _ response: String, end: StreamEnd? = nil) -> TestExchange {
    var test = TestExchange.of(request)
    test.attempt()
    test.send()
    test.respond(response)
    if end != nil { test.respond("", end: end) }
    test.deliver()
    return test
  }
}

/// A request with these field lines after Host.
func request(_ method: String = "GET", _ lines: String..., body: String = "", version: String = "HTTP/1.1") -> String {
  "\(method) / \(version)\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n" + body
}

/// A response with these field lines.
func response(_ status: Int = 200, _ lines: String..., body: String = "", version: String = "HTTP/1.1") -> String {
  "\(version) \(status) Reason\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n" + body
}

let upgradeRequest = request("GET", "Connection: Upgrade", "Upgrade: websocket")
let upgradeResponse = response(101, "Connection: Upgrade", "Upgrade: websocket")
