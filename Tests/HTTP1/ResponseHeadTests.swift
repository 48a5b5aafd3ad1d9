import HTTP1
import Testing

struct ResponseHeadTests {
  @Test(arguments: [
    Verdict.good("HTTP/1.1 200 OK", "RFC 9112 §4"),
    .good("HTTP/1.0 200 OK", "RFC 9112 §4"),
    .good("HTTP/1.1 200 ", "RFC 9112 §4: an empty reason"),
    .good("HTTP/1.1 200", "RFC 9112 §4: mended"),
    .good("HTTP/1.1 404 Not \tFound é", "RFC 9112 §4: HTAB, SP, VCHAR, obs-text"),
    .good("HTTP/1.1 599 x", "RFC 9110 §15"),
    .bad("HTTP/1.1 099 x", .statusCodeInvalid, "RFC 9110 §15"),
    .bad("HTTP/1.1 600 x", .statusCodeInvalid, "RFC 9110 §15"),
    .bad("HTTP/1.1 000 x", .statusCodeInvalid, "RFC 9110 §15"),
    .bad("HTTP/1.1 20 OK", .statusLineMalformed, "RFC 9112 §4: 3DIGIT"),
    .bad("HTTP/1.1 2000 OK", .statusLineMalformed, "RFC 9112 §4: 3DIGIT"),
    .bad("HTTP/1.1 +20 OK", .statusLineMalformed, "RFC 9112 §4: 3DIGIT"),
    .bad("HTTP/1.1 2x0 OK", .statusLineMalformed, "RFC 9112 §4: 3DIGIT"),
    .bad("HTTP/1.1  200 OK", .statusLineMalformed, "RFC 9112 §4: one SP"),
    .bad("HTTP/1.1\t200 OK", .statusLineMalformed, "RFC 9112 §4: one SP"),
    .bad("HTTP/1.1 200\tOK", .statusLineMalformed, "RFC 9112 §4: one SP"),
    .bad("HTTP/1.1 200 O\u{0}K", .controlCharacter, "RFC 9112 §4"),
    .bad("HTTP/1.1 200 O\rK", .bareCarriageReturn, "RFC 9112 §2.2"),
    .bad("HTTP/1.1 200 O\nK", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("HTTP/1.2 200 OK", .versionNotSupported, "RFC 9112 §2.3"),
    .bad("HTTP/2.0 200 OK", .statusLineMalformed, "RFC 9112 §2.3"),
    .bad("http/1.1 200 OK", .statusLineMalformed, "RFC 9112 §2.3"),
    .bad("ICY 200 OK", .statusLineMalformed, "RFC 9112 §4"),
    .bad("\r\nHTTP/1.1 200 OK", .statusLineMalformed, "RFC 9112 §2.2 is for requests"),
    .bad("<html>", .statusLineMalformed, "HTTP/0.9 is not spoken"),
  ])
  func `a status line has a single interpretation (RFC 9112 §4)`(row: Verdict) {
    expectResponse(Verdict(input: row.input + "\r\n\r\n", rejection: row.rejection, source: row.source))
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"), ("HTTP/1.0 404 Not Found", "HTTP/1.1 404 Not Found"),
    ("HTTP/1.1 200", "HTTP/1.1 200 "), ("HTTP/1.0 200", "HTTP/1.1 200 "), ("HTTP/1.1 200 ", "HTTP/1.1 200 "),
  ])
  func `the status line is sent with our version and the required SP (RFC 9112 §2.3, §4)`(line: String, seen: String) {
    #expect(
      returned("\(line)\r\nSET-cookie: a\r\nContent-Length: 1\r\n\r\n")
        == "\(seen)\r\nSET-cookie: a\r\nContent-Length: 1\r\n\r\n")
  }

  @Test func `a server's hop-by-hop fields are dropped (RFC 9110 §7.6.1)`() {
    let head = response(
      "Connection: keep-alive", "Keep-Alive: timeout=20", "A: b", "Upgrade: h2,h2c", "Proxy-Connection: x",
      "Content-Length: 1")
    #expect(returned(head) == "HTTP/1.1 200 Reason\r\nA: b\r\nContent-Length: 1\r\n\r\n")
  }

  @Test func `fields that are defined for requests only are kept in an answer`() {
    let head = response("Host: x", "Expect: y", "TE: z", "X-Forwarded-For: a", "Forwarded: b", "Content-Length: 1")
    #expect(returned(head) == head)
  }

  @Test(arguments: [
    (Persistence.keepAlive, Version.http11, "Content-Length: 1", ""),
    (.keepAlive, .http10, "Content-Length: 1", "Connection: keep-alive\r\n"),
    (.close, .http11, "Content-Length: 1", "Connection: close\r\n"),
    (.close, .http10, "Content-Length: 1", "Connection: close\r\n"),
    (.keepAlive, .http11, "A: b", "Connection: close\r\n"),
    (.keepAlive, .http10, "A: b", "Connection: close\r\n"),
    (.upgrade, .http11, "Content-Length: 1", ""),
  ])
  func `Connection tells the client the proxy's decision, close if the body ends with it (RFC 9112 §9.3)`(
    connection: Persistence, version: Version, line: String, seen: String
  ) {
    #expect(
      returned(response(line), to: AnsweredRequest(version: version), connection: connection)
        == "HTTP/1.1 200 Reason\r\n\(line)\r\n\(seen)\r\n")
  }

  @Test func `an interim answer is recognised, and has no Connection (RFC 9110 §15.2)`() throws {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"
    let head = try #require(parseResponse(hints + "\r\n").head)
    #expect(head.isInterim && !head.isUpgrade && head.status == 103 && head.framing == .none)
    #expect(returned(hints + "Connection: close\r\n\r\n", connection: .close) == hints + "\r\n")
    #expect(try #require(parseResponse("HTTP/1.1 100 Continue\r\n\r\n").head).isInterim)
    #expect(try #require(parseResponse("HTTP/1.1 200 OK\r\n\r\n").head).isInterim == false)
  }

  static let switching = ["Upgrade: websocket", "Connection: Upgrade"]

  @Test(arguments: [
    (switching, "HTTP/1.1", true, nil),
    (["Connection: keep-alive, upgrade", "upgrade: WebSocket", "Content-Length: 0"], "HTTP/1.1", true, nil),
    (switching, "HTTP/1.1", false, Rejection.upgradeNotRequested),
    (switching, "HTTP/1.0", true, .upgradeNotRequested),
    (["Upgrade: websocket"], "HTTP/1.1", true, .upgradeMalformed),
    (["Connection: Upgrade"], "HTTP/1.1", true, .upgradeMalformed),
    (["Upgrade: h2c", "Connection: Upgrade"], "HTTP/1.1", true, .upgradeMalformed),
    (switching + ["Content-Length: 5"], "HTTP/1.1", true, .contentNotExpected),
    (switching + ["Transfer-Encoding: chunked"], "HTTP/1.1", true, .contentNotExpected),
  ])
  func `101 is an answer to an upgrade, with Connection and Upgrade (RFC 9110 §15.2.2)`(
    lines: [String], version: String, requested: Bool, rejection: Rejection?
  ) {
    let fields = lines.map { $0 + "\r\n" }.joined()
    let request = AnsweredRequest(upgradeRequested: requested)
    let parsed = parseResponse("\(version) 101 Switching\r\n\(fields)\r\n", to: request)
    #expect(parsed.rejection == rejection)
    #expect(parsed.head?.isUpgrade == (rejection == nil ? true : nil))
    #expect(parsed.head?.isInterim == (rejection == nil ? false : nil))
  }

  @Test func `101 keeps its Upgrade (RFC 9110 §7.8)`() {
    let head = response("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Accept: x", status: 101)
    #expect(
      returned(head, to: AnsweredRequest(upgradeRequested: true), connection: .upgrade)
        == "HTTP/1.1 101 Reason\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\n\r\n")
  }

  @Test func `a head beyond its limit is refused`() {
    let head = response("Content-Length: 1")
    #expect(parseResponse(head, limits: HeadLimits(bytes: head.utf8.count)).head != nil)
    #expect(parseResponse(head, limits: HeadLimits(bytes: head.utf8.count - 1)).rejection == .headTooLarge)
  }

  @Test func `the properties of an answered request are taken from its head`() throws {
    let head = try #require(parseRequest(request(method: "HEAD", version: "HTTP/1.0")).head)
    let answered = AnsweredRequest(head)
    #expect(answered.isHead && answered.version == .http10 && !answered.upgradeRequested)
  }
}
