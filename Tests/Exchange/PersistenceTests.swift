import Testing

@testable import Exchange

/// A successful exchange, and which of its two connections may be reused.
struct PersistenceCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let request: String
  let response: String
  var end: StreamEnd?
  var keepsServers = true
  let client: Bool
  let server: Bool
  var isPrivate = false
}

private let ok = response(200, "Content-Length: 2", body: "ok")
private let get = request()

private let rows = [
  PersistenceCase(testDescription: "both go on", request: get, response: ok, client: true, server: true),
  PersistenceCase(
    testDescription: "the client closes", request: request("GET", "Connection: close"), response: ok, client: false,
    server: true),
  PersistenceCase(
    testDescription: "the server closes", request: get,
    response: response(200, "Content-Length: 2", "Connection: close", body: "ok"), client: true, server: false),
  PersistenceCase(
    testDescription: "server connections are not kept", request: get, response: ok, keepsServers: false, client: true,
    server: false),
  PersistenceCase(
    testDescription: "a client of HTTP/1.0", request: request(version: "HTTP/1.0"), response: ok, client: false,
    server: true),
  PersistenceCase(
    testDescription: "a client of HTTP/1.0 that goes on",
    request: request("GET", "Connection: keep-alive", version: "HTTP/1.0"), response: ok, client: true, server: true),
  PersistenceCase(
    testDescription: "a body until the end", request: get, response: response(200, body: "ok"), end: .closed,
    client: false, server: false),
  PersistenceCase(
    testDescription: "an upgrade declined", request: upgradeRequest, response: ok, client: false, server: true),
  PersistenceCase(
    testDescription: "a server that asks for NTLM", request: get,
    response: response(401, "WWW-Authenticate: NTLM", "Content-Length: 2", body: "no"), client: true, server: true,
    isPrivate: true),
  PersistenceCase(
    testDescription: "a client that sends NTLM", request: request("GET", "Authorization: NTLM abc"), response: ok,
    client: true, server: true, isPrivate: true),
  PersistenceCase(
    testDescription: "a client that sends a password", request: request("GET", "Authorization: Basic abc"),
    response: ok,
    client: true, server: true),
]

@Suite struct `Reuse of connections after an exchange` {
  private func test(of row: PersistenceCase) -> TestExchange {
    var test = TestExchange.of(row.request)
    test.attempt(keepAlive: row.keepsServers)
    test.send()
    test.respond(row.response)
    if row.end != nil { test.respond("", end: row.end) }
    test.deliver()
    return test
  }

  @Test(arguments: rows)
  func `each connection is reused or closed as the table says`(row: PersistenceCase) {
    let test = test(of: row)
    #expect(test.exchange.isComplete)
    #expect(test.exchange.clientMayContinue == row.client)
    #expect(test.exchange.serverMayContinue == row.server)
    #expect(test.exchange.isPrivate == row.isPrivate)
  }

  @Test(arguments: rows)
  func `the response tells the client whether its connection persists (RFC 9112 §9.6)`(row: PersistenceCase) {
    #expect(test(of: row).toClient.contains("Connection: close\r\n") == !row.client)
  }

  @Test(arguments: [1, 2])
  func `the limit of requests closes the client connection, and the response says so`(number: Int) {
    var policy = ExchangePolicy()
    policy.requestsPerConnection = 2
    var test = TestExchange(policy: policy, number: number)
    test.receive(get)
    test.attempt()
    test.send()
    test.respond(ok)
    #expect(test.toClient.contains("Connection: close\r\n") == (number == 2))
  }

  @Test func `a stop closes the client connection, and the response says so`() {
    var test = TestExchange.of(get)
    test.tell(.stop)
    test.attempt()
    test.send()
    test.respond(ok)
    test.deliver()
    #expect(test.toClient.contains("Connection: close\r\n"))
    #expect(!test.exchange.clientMayContinue && test.exchange.serverMayContinue)
  }

  @Test func `no connection is reused before the last byte is sent in both directions`() {
    var test = TestExchange.of(request("POST", "Content-Length: 5", body: "hello"))
    test.attempt()
    test.respond(ok)
    #expect(!test.exchange.isComplete)
    test.deliver()
    #expect(!test.exchange.isComplete)
    test.send()
    #expect(test.exchange.isComplete && test.exchange.clientMayContinue && test.exchange.serverMayContinue)
  }

  @Test func `the client connection is reused after a complete request, even if the server read only a part`() {
    var test = TestExchange.of(request("POST", "Content-Length: 5", body: "hello") + get)
    test.attempt()
    test.respond(ok)
    test.deliver()
    #expect(test.exchange.endsEarly && !test.exchange.isComplete)
    #expect(!test.toClient.contains("Connection: close"))
    #expect(test.exchange.clientMayContinue && !test.exchange.serverMayContinue)
    let effects = test.tell(.relayed(isSent: true, isTaken: true, isStopping: false))
    #expect(effects.contains(.awaitNext) && !effects.contains(.keepConnection))
    #expect(test.exchange.dropRequest() == request("POST", "Content-Length: 5", body: "hello").utf8.count)
  }

  @Test func `a connection that was private before the exchange stays private`() {
    var test = TestExchange(isPrivate: true)
    test.receive(get)
    #expect(test.exchange.isPrivate)
  }

  @Test func `a second attempt does not inherit the first server's Connection: close`() {
    var test = TestExchange.of(get)
    test.attempt(isReused: true, keepAlive: false)
    #expect(test.recover(from: .gone) == .reconnect)
    test.attempt()
    test.send()
    test.respond(ok)
    test.deliver()
    #expect(test.exchange.serverMayContinue)
  }

  @Test func `the connections of a tunnel are not reused`() {
    var test = TestExchange.tunnel()
    test.attempt()
    test.receive("", end: .closed)
    test.respond("", end: .closed)
    #expect(test.exchange.isComplete)
    #expect(!test.exchange.clientMayContinue && !test.exchange.serverMayContinue)
  }
}
