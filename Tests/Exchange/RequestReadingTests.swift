import HTTP1
import Testing
import Wire

@testable import Exchange

private let get = request()
private let upload = request("POST", "Content-Length: 5")
private let chunked = request("POST", "Transfer-Encoding: chunked")

/// Reads of the client's bytes, and the result.
struct RequestCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// One read each; nil is the end of the client's direction.
  let pieces: [String?]
  let steps: [RequestStep]
  let side: Exchange.Side
  /// Approved bytes, including the head.
  let pending: Int
  /// The bytes after them, which belong to the next request.
  let unread: String

  init(
    _ words: String, _ pieces: [String?], _ steps: [RequestStep], _ side: Exchange.Side, pending: Int = 0,
    unread: String = ""
  ) {
    testDescription = words
    self.pieces = pieces
    self.steps = steps
    self.side = side
    self.pending = pending
    self.unread = unread
  }

  static let all = [
    RequestCase("nothing yet", [""], [.incomplete], .head),
    RequestCase("the client leaves between requests", [nil], [.closed], .head),
    RequestCase("a CRLF begins nothing", ["\r\n", nil], [.incomplete, .closed], .head, unread: "\r\n"),
    RequestCase("half a CRLF neither", ["\r", nil], [.incomplete, .closed], .head, unread: "\r"),
    RequestCase("part of a head", ["GET / HT"], [.incomplete], .head, unread: "GET / HT"),
    RequestCase(
      "the client leaves in a head", ["GET / HT", nil], [.incomplete, .truncated], .head, unread: "GET / HT"),
    RequestCase("a request without a body", [get], [.head], .complete, pending: get.utf8.count),
    RequestCase(
      "a request in two pieces", ["GET / HTTP/1.1\r\nHo", "st: a\r\n\r\n"], [.incomplete, .head], .complete,
      pending: get.utf8.count),
    RequestCase(
      "a CRLF before a request goes with it", ["\r\n", get], [.incomplete, .head], .complete,
      pending: get.utf8.count + 2),
    RequestCase("a pipelined request waits", [get + get], [.head], .complete, pending: get.utf8.count, unread: get),
    RequestCase("a body to come", [upload], [.head], .body, pending: upload.utf8.count),
    RequestCase("a body with its head", [upload + "hello"], [.head], .complete, pending: upload.utf8.count + 5),
    RequestCase(
      "a body in pieces", [upload + "he", "l", "lo"], [.head, .body, .body], .complete,
      pending: upload.utf8.count + 5),
    RequestCase(
      "a request behind a body waits", [upload + "helloGET"], [.head], .complete, pending: upload.utf8.count + 5,
      unread: "GET"),
    RequestCase(
      "the client leaves in a body", [upload + "he", nil], [.head, .truncated], .body,
      pending: upload.utf8.count + 2),
    RequestCase(
      "the client leaves behind a body", [upload + "hello", nil], [.head, .body], .complete,
      pending: upload.utf8.count + 5),
    RequestCase(
      "chunks", [chunked, "5\r\nhello\r\n", "0\r\n\r\n"], [.head, .body, .body], .complete,
      pending: chunked.utf8.count + 15),
    RequestCase(
      "the client leaves between chunks", [chunked + "5\r\nhello\r\n", nil], [.head, .truncated], .body,
      pending: chunked.utf8.count + 10),
    RequestCase(
      "a malformed chunk after a good one", [chunked, "1\r\na\r\n", "x"],
      [.head, .body, .refused(.chunkSizeMalformed)], .body, pending: chunked.utf8.count + 6, unread: "x"),
    RequestCase(
      "a malformed chunk behind its head", [chunked + "x"], [.refused(.chunkSizeMalformed)], .body,
      pending: chunked.utf8.count, unread: "x"),
    RequestCase(
      "a malformed head", ["GET / HTTP/1.1\r\n\r\n"], [.refused(.hostMissing)], .head,
      unread: "GET / HTTP/1.1\r\n\r\n"),
    RequestCase("an upgrade", [upgradeRequest], [.head], .complete, pending: upgradeRequest.utf8.count),
    RequestCase(
      "bytes behind an upgrade", [upgradeRequest + "x"], [.refused(.bytesBehindUpgrade)], .head,
      unread: upgradeRequest + "x"),
    RequestCase(
      "bytes behind an upgrade that come later wait", [upgradeRequest, "x"], [.head, .body], .complete,
      pending: upgradeRequest.utf8.count, unread: "x"),
  ]
}

@Suite struct `Reading a request` {
  @Test(arguments: RequestCase.all)
  func `the client's bytes give the expected steps`(row: RequestCase) {
    var test = TestExchange()
    let steps = row.pieces.map { test.receive($0 ?? "", end: $0 == nil ? .closed : nil) }
    #expect(steps == row.steps)
    #expect(test.exchange.requestSide == row.side)
    #expect(test.exchange.requestCursor.pending == row.pending)
    #expect(test.unread == row.unread)
  }

  @Test(arguments: RequestCase.all)
  func `the same bytes one by one give the same result`(row: RequestCase) {
    // All received bytes are parsed together; a refusal may come before the last byte.
    guard row.steps.last.map({ if case .refused = $0 { false } else { true } }) == true else { return }
    var test = TestExchange()
    for piece in row.pieces {
      guard let piece else {
        test.receive("", end: .closed)
        continue
      }
      for scalar in piece.unicodeScalars { test.receive(String(scalar)) }
    }
    #expect(test.exchange.requestSide == row.side)
    #expect(test.exchange.requestCursor.pending == row.pending)
    #expect(test.unread == row.unread)
  }

  @Test func `a head beyond its limit is refused before its end`() {
    var policy = ExchangePolicy()
    policy.limits = HeadLimits(bytes: 100)
    var test = TestExchange(policy: policy)
    #expect(test.receive("GET / HTTP/1.1\r\nHost: a\r\n") == .incomplete)
    #expect(test.receive("X: " + String(repeating: "x", count: 100)) == .refused(.headTooLarge))
  }

  @Test func `a tunnel forwards any bytes until the end`() {
    var test = TestExchange.tunnel()
    #expect(test.receive("any\u{0}thing") == .body)
    #expect(test.exchange.requestCursor.pending == 9)
    #expect(test.receive("", end: .closed) == .body)
    #expect(test.exchange.requestSide == .complete)
  }

  @Test func `the head is forwarded rewritten, the body unchanged`() {
    var test = TestExchange.of(
      request("POST", "Connection: close, x-hop", "X-Hop: 1", "content-length: 5", body: "hello"))
    test.attempt()
    test.send()
    #expect(
      test.toServer == """
        POST / HTTP/1.1\r
        Host: a\r
        content-length: 5\r
        X-Forwarded-For: 192.0.2.1\r
        X-Forwarded-Proto: https\r
        X-Forwarded-Host: a\r
        \r
        hello
        """)
  }

  @Test(arguments: [(true, false), (false, true)])
  func `a server connection without keep-alive is requested with Connection: close`(keepAlive: Bool, closes: Bool) {
    var test = TestExchange.of(get)
    test.attempt(keepAlive: keepAlive)
    #expect(test.toServer.contains("Connection: close\r\n") == closes)
  }

  @Test func `a request whose sent bytes are not kept is not repeated`() {
    var test = TestExchange.of(request("PUT", "Content-Length: 9", body: "hello"))
    test.attempt(isReused: true)
    test.send()
    test.forget()
    #expect(test.fromClient.isEmpty)
    #expect(test.recover(from: .gone) == .reply(.badGateway))
  }

  @Test(arguments: [
    ("", StreamEnd.closed, Termination()), ("GET /", .closed, Termination(.client, .request)),
    ("GET /", .cut, Termination(.client, .request)), ("GET /", .flooded, Termination(.proxy, .request)),
    (upload + "he", .flooded, Termination(.proxy, .queue)),
  ])
  func `a client that closes its connection ends the exchange`(text: String, end: StreamEnd, expected: Termination) {
    var test = TestExchange.of(text)
    test.receive("", end: end)
    guard case .done(expected) = test.exchange.state else { return #expect(Bool(false), "\(test.exchange.state)") }
  }

  @Test(arguments: [(StreamEnd.closed, Termination()), (.cut, Termination(.client, .data))])
  func `a tunnel goes on after the end of one direction, unless it was cut`(end: StreamEnd, expected: Termination) {
    var test = TestExchange.of(upgradeRequest)
    test.attempt()
    test.send()
    test.respond(upgradeResponse)
    test.receive("", end: end)
    #expect(test.termination == expected)
  }

  @Test func `a refusal is logged as the proxy's, with the phase in which it occurred`() {
    var test = TestExchange()
    test.receive("nonsense\r\n\r\n")
    #expect(test.termination == Termination(.proxy, .request))
    var body = TestExchange.of(chunked)
    body.attempt()
    body.send()
    body.receive("x")
    #expect(body.termination == Termination(.proxy, .headers))
    var late = TestExchange.of(chunked)
    late.attempt()
    late.send()
    late.respond(response(200, "Transfer-Encoding: chunked"))
    late.receive("x")
    #expect(late.termination == Termination(.proxy, .data))
  }
}
