import HTTP1
import Testing
import Wire

struct RewritingTests {
  static let trusted = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true, isPeerTrusted: true)
  /// The fields added to a request for host `a` from 192.0.2.1 over TLS.
  static let added = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"

  @Test func `names, case, order and white space of the fields are unchanged`() {
    let head = "GET /portal/?a=b HTTP/1.1\r\nHost: a\r\naccept:*/*\r\nUSER-AGENT:   x \t\r\nOrigin: https://a\r\n"
    #expect(
      forwarded(head + "Connection: keep-alive\r\nCookie: a=b\r\n\r\n") == head + "Cookie: a=b\r\n\(Self.added)\r\n")
  }

  @Test(arguments: [
    "Connection: close", "connection: keep-alive, te", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
    "TE: trailers", "Proxy-Authorization: Basic eDp5", "Upgrade: h2c", "Forwarded: for=192.0.2.9",
    "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: http", "X-FORWARDED-HOST: evil", "X-Forwarded-Port: 1",
    "X-Forwarded-: 1", "X-Real-IP: 192.0.2.9", "Connection: , ,",
    "Forwarded-For: x", "X-Forwarded: x", "Proxy: http://192.0.2.9/", "True-Client-IP: x", "x-client-ip: x",
    "Client-IP: x", "X-Cluster-Client-IP: x", "CF-Connecting-IP: x", "CF-Connecting-IPv6: x", "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin", "X-HTTP-Method-Override: DELETE", "X-Host: evil", "Front-End-Https: on",
    "Remote-User: admin", "SSL-Client-S-DN: x", "X-SSL-Client-Verify: SUCCESS", "Client-Cert: :x:",
    "WL-Proxy-Client-IP: x", "True_Client_IP: x", "X_Original.URL: x", "proxy: x", "X-Remote-User: x",
  ])
  func `hop-by-hop fields and a client's forwarding fields are dropped (RFC 9110 §7.6.1)`(line: String) {
    let expected = "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\n\(Self.added)\r\n"
    #expect(forwarded(request("A: b", line, "C: d")) == expected)
    #expect(forwarded(request(line, line, "A: b", line, "C: d", line)) == expected)
  }

  @Test(arguments: [
    "X-Requested-With: XMLHttpRequest", "X-Client-Version: 8", "Proxys: x", "X-Originals: x", "Front-End: x", "TEE: x",
    "Te-: x", "Hosts: x", "Connections: x",
    "Upgrade-Insecure-Requests: 1",
    "Proxy-Authorizatio: x", "Trailer: X-Sum", "Via: 1.0 a", "Authorization: Basic eDp5", "Transfer-Encodin: chunked",
    "X-Connection: close", "Keep-Aliv: x", "Expected: x",
  ])
  func `every other field is forwarded`(line: String) {
    #expect(forwarded(request("A: b", line)) == "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\n\(line)\r\n\(Self.added)\r\n")
  }

  @Test func `fields that Connection nominates are dropped, whatever their case (RFC 9110 §7.6.1)`() {
    let head = request("X-One: 1", "Connection: close, x-one ,X-Two", "X-Twos: 2", "X-TWO: 2", "X-One: 1", "C: d")
    #expect(forwarded(head) == "POST / HTTP/1.1\r\nHost: a\r\nX-Twos: 2\r\nC: d\r\n\(Self.added)\r\n")
    #expect(
      returned(response("X-One: 1", "Connection: x-one", "C: d", "Content-Length: 0"))
        == "HTTP/1.1 200 Reason\r\nC: d\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func `hop-by-hop fields are dropped from answers as well (RFC 9110 §7.6.1, §18.4)`() {
    #expect(
      returned(response("TE: trailers", "Connection: TE, Proxy-Authorization", "proxy-authorization: x", "A: b"))
        == "HTTP/1.1 200 Reason\r\nA: b\r\nConnection: close\r\n\r\n")
    #expect(returned(response("Close: x", "Content-Length: 0")) == "HTTP/1.1 200 Reason\r\nContent-Length: 0\r\n\r\n")
    #expect(forwarded(request("Connection: close", "close: x"))?.contains("close: x") == false)
  }

  @Test func `Connection has the proxy's decision, as the request's version requires (RFC 9112 §9.3)`() throws {
    let new = request("A: b")
    let old = request("A: b", "Connection: keep-alive", version: "HTTP/1.0")
    #expect(try #require(forwarded(new, connection: .keepAlive)).contains("Connection") == false)
    #expect(try #require(forwarded(new, connection: .close)).contains("\r\nConnection: close\r\n"))
    #expect(try #require(forwarded(old, connection: .keepAlive)).contains("\r\nConnection: keep-alive\r\n"))
    #expect(try #require(forwarded(old, connection: .close)).contains("\r\nConnection: close\r\n"))
    #expect(try #require(forwarded(old)).hasPrefix("POST / HTTP/1.0\r\n"))
  }

  @Test(arguments: [
    ("GET http://a/p?q HTTP/1.1", "GET /p?q HTTP/1.1"), ("GET https://A HTTP/1.1", "GET / HTTP/1.1"),
    ("POST http://a?q HTTP/1.1", "POST /?q HTTP/1.1"), ("OPTIONS http://a HTTP/1.1", "OPTIONS * HTTP/1.1"),
    ("OPTIONS http://a/ HTTP/1.1", "OPTIONS / HTTP/1.1"), ("OPTIONS http://a?q HTTP/1.1", "OPTIONS /?q HTTP/1.1"),
    ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"),
  ])
  func `an absolute-form target is forwarded in origin form (RFC 9112 §3.2.1, §3.2.4)`(line: String, seen: String) {
    #expect(forwarded("\(line)\r\nHost: a\r\n\r\n") == "\(seen)\r\nHost: a\r\n\(Self.added)\r\n")
  }

  @Test func `forwarding fields can be switched off, and a client's own are still dropped`() {
    let forwarding = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: false, addsFields: false)
    #expect(
      forwarded(request("X-Forwarded-For: 192.0.2.9"), forwarding: forwarding)
        == "POST / HTTP/1.1\r\nHost: a\r\n\r\n")
  }

  @Test func `the protocol of a connection without TLS is http`() throws {
    let seen = try #require(
      forwarded(request(), forwarding: ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: false)))
    #expect(seen.contains("\r\nX-Forwarded-Proto: http\r\n"))
  }

  @Test(arguments: [
    ([], added),
    (
      ["X-Forwarded-For: 192.0.2.9"],
      "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"
    ),
    (
      ["X-Forwarded-For: x", "X-Forwarded-For: y"],
      "X-Forwarded-For: x\r\nX-Forwarded-For: y, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"
    ),
    (
      ["X-Forwarded-Proto: http", "X-Forwarded-For: x", "X-Real-IP: x", "X-Forwarded-Host: b", "X-Forwarded-Port: 1"],
      "X-Forwarded-Proto: http\r\nX-Forwarded-For: x, 192.0.2.1\r\nX-Real-IP: x\r\nX-Forwarded-Host: b\r\nX-Forwarded-Port: 1\r\n"
    ),
    (["Forwarded: for=x", "Proxy: x"], added),
    (
      ["True-Client-IP: x", "X-Original-URL: /a", "Client_IP: y"],
      "True-Client-IP: x\r\nX-Original-URL: /a\r\nClient_IP: y\r\n\(added)"
    ),
  ])
  func `a trusted proxy's fields are kept, and X-Forwarded-For is extended`(lines: [String], seen: String) {
    let head = "GET / HTTP/1.1\r\nHost: a\r\n"
    let sent = lines.map { $0 + "\r\n" }.joined()
    #expect(forwarded("\(head)\(sent)\r\n", forwarding: Self.trusted) == "\(head)\(seen)\r\n")
  }

  /// Rules about paths have decided on the request's own.
  @Test(arguments: [
    "X-Original-URL", "x_original_uri", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Request-URL",
    "X-HTTP-Method-Override", "X-Script-Name",
  ])
  func `a trusted proxy's field about the path is dropped where paths have rules`(name: String) throws {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nX-Scheme: https\r\n\(name): /admin\r\nX-Forwarded-Port: 443\r\n\r\n"
    let bytes = Array(text.utf8)
    var head = try #require(parseRequest(text).head)
    var (kept, dropped) = (ByteWriter(limit: 1000), ByteWriter(limit: 1000))
    head.render(from: bytes.span, forwarding: Self.trusted, connection: .keepAlive, into: &kept)
    try head.dropPathClaims(of: bytes.span)
    head.render(from: bytes.span, forwarding: Self.trusted, connection: .keepAlive, into: &dropped)
    #expect(String(decoding: kept.bytes, as: UTF8.self).contains("\r\n\(name): /admin\r\n"))
    let seen = String(decoding: dropped.bytes, as: UTF8.self)
    #expect(!seen.contains(name) && seen.contains("X-Scheme: https\r\nX-Forwarded-Port: 443\r\n"))
  }

  @Test func `a trusted proxy's fields are unchanged if forwarding fields are switched off`() {
    let forwarding = ForwardedFields(
      client: IPAddress(v4: 0xc000_0201), isSecure: true, addsFields: false, isPeerTrusted: true)
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: x\r\n"
    #expect(forwarded(head + "\r\n", forwarding: forwarding) == head + "\r\n")
  }

  @Test func `an address is written as text, IPv6 without brackets`() throws {
    let address = try IPAddress(parsing: "2001:db8:1111:2222:3333:4444:5555:6666")
    let seen = try #require(forwarded(request(), forwarding: ForwardedFields(client: address, isSecure: true)))
    #expect(seen.contains("\r\nX-Forwarded-For: 2001:db8:1111:2222:3333:4444:5555:6666\r\n"))
  }

  @Test func `without a Host there is no X-Forwarded-Host`() {
    #expect(
      forwarded("GET / HTTP/1.0\r\n\r\n")
        == "GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n")
  }

  @Test func `white space in fields that are interpreted is dropped (RFC 9112 §5.1)`() throws {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nA: b\r\n"
    let seen =
      "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nUpgrade: websocket\r\nC: d\r\nConnection: Upgrade\r\n"
      + "\(Self.added)\r\n"
    for sent in ["Upgrade:\twebsocket", "Upgrade: \twebsocket \t", "UPGRADE: websocket\t"] {
      #expect(forwarded("\(upgrade)\(sent)\r\nC: d\r\n\r\n", connection: .upgrade) == seen)
      #expect(forwarded("\(upgrade)\(sent)\r\n\r\n")?.contains("Upgrade") == false)
    }
    #expect(
      returned(
        response("Upgrade:\twebsocket", "Connection: upgrade", status: 101),
        to: AnsweredRequest(upgradeRequested: true))
        == "HTTP/1.1 101 Reason\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    #expect(
      try #require(forwarded(request("Content-Length: 1", "Expect:\t100-continue\t"))).contains(
        "\r\nExpect:100-continue\r\n"))
  }

  @Test func `too many fields to rewrite are refused`() {
    var lines = "GET / HTTP/1.1\r\nHost: a\r\n"
    for index in 0..<17 { lines += "X-Forwarded-For: \(index)\r\nX-\(index): y\r\n" }
    #expect(parseRequest(lines + "\r\n").rejection == .tooManyRewrittenLines)
  }

  @Test(arguments: [
    Verdict.good("Expect: 100-continue", "RFC 9110 §10.1.1"),
    .good("expect: 100-Continue ", "RFC 9110 §10.1.1: no case"),
    .bad("Expect: 100-continue, 100-continue", .expectationUnknown, "RFC 9110 §10.1.1: 417"),
    .bad("Expect: y 100-continue", .expectationUnknown, "RFC 9110 §10.1.1: 417"),
    .bad("Expect: 100-continue\r\nExpect: 100-continue", .expectationUnknown, "RFC 9110 §10.1.1: 417"),
    .bad("Expect:", .expectationUnknown, "RFC 9110 §10.1.1: 417"),
    .bad("Expect: 200-ok", .expectationUnknown, "RFC 9110 §10.1.1: 417"),
  ])
  func `the only expectation is 100-continue (RFC 9110 §10.1.1)`(row: Verdict) {
    expectRequest(Verdict(input: request("Content-Length: 1", row.input), rejection: row.rejection, source: row.source))
    #expect(Rejection.expectationUnknown.status == .expectationFailed)
  }

  @Test(arguments: [
    ("HTTP/1.1", "Content-Length: 1", true), ("HTTP/1.1", "Transfer-Encoding: chunked", true),
    ("HTTP/1.1", "Content-Length: 0", false), ("HTTP/1.1", "A: b", false), ("HTTP/1.0", "Content-Length: 1", false),
  ])
  func `an expectation without content, or in HTTP/1.0, is not forwarded (RFC 9110 §10.1.1)`(
    version: String, line: String, expects: Bool
  ) throws {
    let head = request(line, "Expect: 100-continue", version: version)
    #expect(try #require(parseRequest(head).head).expectsContinue == expects)
    #expect(try #require(forwarded(head)).contains("Expect: 100-continue\r\n") == expects)
  }
}
