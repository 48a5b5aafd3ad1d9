import HTTP1
import Testing
import Wire

@testable import Exchange

/// Reads of the server's bytes, and the result.
struct ResponseCase: Sendable, CustomTestStringConvertible {
  enum Piece: Sendable {
    case bytes(String)
    case ends(StreamEnd)
  }

  var testDescription: String
  var request = get
  var pieces: [Piece]
  /// The steps of all reads, in order.
  var steps: [ResponseStep]
  var side = Exchange.Side.complete
  /// The bytes sent to the client after the heads.
  var body = ""
  /// Whether the server connection may be reused.
  var again = false
}

private let get = request()
private let sized = response(200, "Content-Length: 5")
private let chunked = response(200, "Transfer-Encoding: chunked")
private let untilClose = response(200)

private func row(
  _ words: String, to request: String = get, _ pieces: ResponseCase.Piece..., steps: [ResponseStep],
  side: Exchange.Side = .complete, body: String = "", again: Bool = false
) -> ResponseCase {
  ResponseCase(
    testDescription: words, request: request, pieces: pieces, steps: steps, side: side, body: body, again: again)
}

extension ResponseCase.Piece: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  init(stringLiteral text: String) { self = .bytes(text) }
}

private let rows: [ResponseCase] = [
  row("nothing yet", "", steps: [.incomplete], side: .head),
  row("a server that is gone", .ends(.closed), steps: [.gone], side: .head),
  row("a server that was cut", .ends(.cut), steps: [.gone], side: .head),
  row("part of a head", "HTTP/1.1 2", .ends(.closed), steps: [.incomplete, .truncated], side: .head),
  row("a body of a length", .bytes(sized + "hello"), steps: [.head, .body], body: "hello", again: true),
  row(
    "a body of a length in pieces", .bytes(sized), "hel", "lo", steps: [.head, .incomplete, .body, .body],
    body: "hello", again: true),
  row(
    "a body cut short in order", .bytes(sized + "hel"), .ends(.closed), steps: [.head, .body, .truncated], side: .body,
    body: "hel"),
  row(
    "an end behind the body", .bytes(sized + "hello"), .ends(.closed), steps: [.head, .body, .incomplete],
    body: "hello"),
  row("bytes behind the body", .bytes(sized + "helloHTTP"), steps: [.head, .body], body: "hello"),
  row("late bytes behind the body", .bytes(sized + "hello"), "x", steps: [.head, .body, .incomplete], body: "hello"),
  row("no body", .bytes(response(204)), steps: [.head, .incomplete], again: true),
  row("no body and bytes behind it", .bytes(response(204) + "x"), steps: [.head, .incomplete]),
  row("a length of zero", .bytes(response(200, "Content-Length: 0")), steps: [.head, .incomplete], again: true),
  row(
    "the response to HEAD", to: request("HEAD"), .bytes(sized), steps: [.head, .incomplete], again: true),
  row(
    "not modified", .bytes(response(304, "Content-Length: 5")), steps: [.head, .incomplete], again: true),
  row(
    "the server closes", .bytes(response(200, "Content-Length: 5", "Connection: close", body: "hello")),
    steps: [.head, .body], body: "hello"),
  row(
    "a server of HTTP/1.0", .bytes(response(200, "Content-Length: 5", body: "hello", version: "HTTP/1.0")),
    steps: [.head, .body], body: "hello"),
  row(
    "a server of HTTP/1.0 that goes on",
    .bytes(response(200, "Content-Length: 5", "Connection: keep-alive", body: "hello", version: "HTTP/1.0")),
    steps: [.head, .body], body: "hello", again: true),
  row(
    "chunks", .bytes(chunked + "5\r\nhello\r\n"), "0\r\n\r\n", steps: [.head, .body, .body],
    body: "5\r\nhello\r\n0\r\n\r\n", again: true),
  row(
    "chunks without a last one", .bytes(chunked + "5\r\nhello\r\n"), .ends(.closed), steps: [.head, .body, .truncated],
    side: .body, body: "5\r\nhello\r\n"),
  row(
    "a malformed chunk", .bytes(chunked + "5\r\nhello\r\n"), "x",
    steps: [.head, .body, .malformed(.chunkSizeMalformed)], side: .body, body: "5\r\nhello\r\n"),
  row(
    "a body until the end", .bytes(untilClose + "hel"), "lo", .ends(.closed), steps: [.head, .body, .body, .body],
    body: "hello"),
  row(
    "a body until the end that is cut", .bytes(untilClose + "hel"), .ends(.cut), steps: [.head, .body, .truncated],
    side: .body, body: "hel"),
  row("a malformed head", "nonsense\r\n\r\n", steps: [.malformed(.statusLineMalformed)], side: .head),
  row(
    "an upgrade that was not requested", .bytes(upgradeResponse), steps: [.malformed(.upgradeNotRequested)], side: .head
  ),
  row("interim responses", .bytes(response(103) + response(102)), steps: [.head, .head, .incomplete], side: .head),
  row(
    "interim responses and the last", .bytes(response(103) + response(103) + sized + "hello"),
    steps: [.head, .head, .head, .body], body: "hello", again: true),
  row(
    "interim responses without end", .bytes(String(repeating: response(102), count: 101)),
    steps: Array(repeating: .head, count: 100) + [.malformed(.tooManyInterimAnswers)], side: .head),
  row(
    "an interim response and the end", .bytes(response(103)), .ends(.closed), steps: [.head, .incomplete, .truncated],
    side: .head),
  row("an upgrade", to: upgradeRequest, .bytes(upgradeResponse), steps: [.head, .incomplete], side: .tunnel),
  row(
    "an interim response before an upgrade", to: upgradeRequest, .bytes(response(103) + upgradeResponse),
    steps: [.head, .head, .incomplete], side: .tunnel),
  row(
    "bytes behind an upgrade", to: upgradeRequest, .bytes(upgradeResponse + "frame"), .ends(.closed),
    steps: [.head, .body, .body], body: "frame"),
  row(
    "an upgraded stream that is cut", to: upgradeRequest, .bytes(upgradeResponse + "frame"), .ends(.cut),
    steps: [.head, .body, .truncated], side: .tunnel, body: "frame"),
  row(
    "an upgrade declined", to: upgradeRequest, .bytes(sized + "hello"), steps: [.head, .body], body: "hello",
    again: true),
]

@Suite struct `Reading a response` {
  private func test(of row: ResponseCase) -> (TestExchange, [ResponseStep]) {
    var test = TestExchange.of(row.request)
    test.attempt()
    test.send()
    var steps: [ResponseStep] = []
    for piece in row.pieces {
      switch piece {
      case .bytes(let text): steps += test.respond(text)
      case .ends(let end): steps += test.respond("", end: end)
      }
      test.deliver()
    }
    return (test, steps)
  }

  @Test(arguments: rows)
  func `the server's bytes give the expected steps`(row: ResponseCase) {
    let (test, steps) = test(of: row)
    #expect(steps == row.steps)
    #expect(test.exchange.responseSide == row.side)
    #expect(test.toClient.hasSuffix(row.body))
    #expect(test.exchange.serverMayContinue == row.again)
  }

  @Test(arguments: rows)
  func `the same bytes one by one give the same result`(row: ResponseCase) {
    let (whole, _) = test(of: row)
    var split = row
    split.pieces = row.pieces.flatMap { piece in
      guard case .bytes(let text) = piece else { return [piece] }
      return text.unicodeScalars.map { .bytes(String($0)) }
    }
    let (test, _) = test(of: split)
    #expect(test.toClient == whole.toClient)
    #expect(test.exchange.responseSide == row.side)
    #expect(test.exchange.serverMayContinue == row.again)
  }

  @Test func `an interim response is not sent to a client of HTTP/1.0 (RFC 9110 §15.2)`() {
    let test = TestExchange.whole(
      request("GET", version: "HTTP/1.0"), response(103) + response(200, "Content-Length: 2", body: "ok"))
    #expect(test.toClient == "HTTP/1.1 200 Reason\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
  }

  @Test func `a tunnel cut by the server before its first byte is a failure of the server`() {
    var test = TestExchange.tunnel()
    test.attempt()
    #expect(test.respond("", end: .cut) == [.gone])
  }

  @Test func `the directions of a tunnel end independently`() {
    var test = TestExchange.of(upgradeRequest)
    test.attempt()
    test.send()
    test.respond(upgradeResponse)
    #expect(test.receive("last words", end: .closed) == .body)
    #expect(test.exchange.requestSide == .complete && test.exchange.responseSide == .tunnel)
    test.send()
    #expect(!test.exchange.isComplete)
    test.respond("last answer", end: .closed)
    test.deliver()
    #expect(test.exchange.isComplete)
    #expect(test.toServer.hasSuffix("last words") && test.toClient.hasSuffix("last answer"))
  }

  @Test func `a response that begins before the end of its request is relayed as a stream in both directions`() {
    var test = TestExchange.of(request("POST", "Transfer-Encoding: chunked"))
    test.attempt()
    test.send()
    test.respond(response(200, "Transfer-Encoding: chunked", body: "2\r\nhi\r\n"))
    guard case .relaying(let attempt) = test.exchange.state else { return }
    #expect(attempt.mode == .stream)
    #expect(test.receive("3\r\nyou\r\n") == .body)
    test.send()
    #expect(test.toServer.hasSuffix("3\r\nyou\r\n"))
  }

  @Test func `after a response that ends before its request neither connection is reused`() {
    var test = TestExchange.of(request("POST", "Content-Length: 9", body: "hello"))
    test.attempt()
    test.send()
    test.respond(response(413, "Content-Length: 2", body: "no"))
    #expect(!test.exchange.endsEarly)
    test.deliver()
    #expect(test.exchange.endsEarly)
    #expect(!test.exchange.clientMayContinue && !test.exchange.serverMayContinue)
  }

  /// The request's fields, the response's, its body, whether the connection ends with it, and whether the head says so.
  private static let early: [(fields: String, response: [String], body: String, says: Bool)] = [
    ("Content-Length: 9", ["Content-Length: 2"], "no", true),
    ("Content-Length: 9", ["Content-Length: 2", "Connection: close"], "no", true),
    ("Content-Length: 9", ["Content-Length: 200"], "begun", true),
    ("Content-Length: 9", ["Content-Length: 0"], "", true),
    ("Content-Length: 9", ["Transfer-Encoding: chunked"], "2\r\nno\r\n0\r\n\r\n", true),
    ("Transfer-Encoding: chunked", ["Content-Length: 2"], "no", true),
    // A stream: the response may go on as long as the request.
    ("Content-Length: 9", ["Transfer-Encoding: chunked"], "2\r\nno\r\n", false),
    ("Transfer-Encoding: chunked", ["Transfer-Encoding: chunked"], "", false),
    // The request is complete: both connections are kept.
    ("Content-Length: 5", ["Content-Length: 2"], "no", false),
  ]

  @Test(arguments: early.indices)
  func `a response that is complete before its request closes the connection (RFC 9112 §9.6)`(row: Int) {
    let row = Self.early[row]
    let body = row.fields.hasPrefix("C") ? "hello" : "5\r\nhello\r\n"
    var test = TestExchange.of(request("POST", row.fields, body: body))
    test.attempt()
    test.send()
    test.respond("HTTP/1.1 413 Reason\r\n" + (row.response + ["", ""]).joined(separator: "\r\n") + row.body)
    test.deliver()
    #expect(test.toClient.contains("Connection: close") == row.says)
    if row.says { #expect(!test.exchange.clientMayContinue) }
  }

  @Test(arguments: [(get, false), (get, true), (request("POST", "Transfer-Encoding: chunked"), false)])
  func `a malformed response is replaced by an error page, unless its head has been sent`(
    request: String, isSent: Bool
  ) {
    var test = TestExchange.of(request)
    test.attempt()
    test.send()
    test.respond(response(103))
    test.deliver()
    test.respond(chunked)
    if isSent { test.deliver() }
    let (steps, effects) = test.readResponse("x")
    #expect(steps == [.malformed(.chunkSizeMalformed)])
    #expect(effects.contains(.suspectServer) && effects.contains(.dropConnection) && effects.contains(.releaseSlot))
    #expect(effects.contains(.discardOutput) == !isSent && effects.contains(.reply) == !isSent)
    #expect(effects.contains(.close) == isSent)
    #expect(test.exchange.record.status == (isSent ? 200 : 502))
    #expect(test.termination == Termination(.proxy, isSent ? .data : .headers))
  }
}
