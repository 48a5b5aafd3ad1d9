import Testing

@testable import Exchange

/// An exchange that went well, and which of its two connections may carry another.
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

@Suite struct `What connections are good for after an exchange` {
  private func passage(of row: PersistenceCase) -> Passage {
    var passage = Passage.of(row.request)
    passage.attempt(keepAlive: row.keepsServers)
    passage.send()
    passage.answer(row.response)
    if row.end != nil { passage.answer("", end: row.end) }
    passage.deliver()
    return passage
  }

  @Test(arguments: rows)
  func `which connections may carry another exchange`(row: PersistenceCase) {
    let passage = passage(of: row)
    #expect(passage.exchange.isComplete)
    #expect(passage.exchange.clientMayContinue == row.client)
    #expect(passage.exchange.serverMayContinue == row.server)
    #expect(passage.exchange.isPrivate == row.isPrivate)
  }

  @Test(arguments: rows)
  func `the client is told what becomes of its connection (RFC 9112 §9.6)`(row: PersistenceCase) {
    #expect(passage(of: row).toClient.contains("Connection: close\r\n") == !row.client)
  }

  @Test func `a limit ends the client's connection, and the answer says so`() {
    var passage = Passage.of(get)
    passage.exchange.endConnection()
    passage.attempt()
    passage.send()
    passage.answer(ok)
    passage.deliver()
    #expect(passage.toClient.contains("Connection: close\r\n"))
    #expect(!passage.exchange.clientMayContinue && passage.exchange.serverMayContinue)
  }

  @Test func `nothing goes on before the last byte is out, either way`() {
    var passage = Passage.of(request("POST", "Content-Length: 5", body: "hello"))
    passage.attempt()
    passage.answer(ok)
    #expect(!passage.exchange.isComplete)
    passage.deliver()
    #expect(!passage.exchange.isComplete)
    passage.send()
    #expect(passage.exchange.isComplete && passage.exchange.clientMayContinue && passage.exchange.serverMayContinue)
  }

  @Test func `a request that was read to its end keeps the client, also when its server took only a part`() {
    var passage = Passage.of(request("POST", "Content-Length: 5", body: "hello") + get)
    passage.attempt()
    passage.answer(ok)
    passage.deliver()
    #expect(passage.exchange.isAnsweredEarly && !passage.exchange.isComplete)
    #expect(!passage.toClient.contains("Connection: close"))
    #expect(passage.exchange.clientMayContinue && !passage.exchange.serverMayContinue)
    #expect(passage.exchange.dropRequest() == request("POST", "Content-Length: 5", body: "hello").utf8.count)
  }

  @Test func `what the exchange before has made private stays so`() {
    var passage = Passage()
    passage.exchange.keepPrivate()
    passage.receive(get)
    #expect(passage.exchange.isPrivate)
  }

  @Test func `a second attempt forgets that the first server would close`() {
    var passage = Passage.of(get)
    passage.attempt(isReused: true, keepAlive: false)
    #expect(passage.recover(from: .gone) == .reconnect)
    passage.attempt()
    passage.send()
    passage.answer(ok)
    passage.deliver()
    #expect(passage.exchange.serverMayContinue)
  }

  @Test func `a tunnel's connections carry nothing else`() {
    var passage = Passage.tunnel()
    passage.attempt()
    passage.receive("", ended: true)
    passage.answer("", end: .closed)
    #expect(passage.exchange.isComplete)
    #expect(!passage.exchange.clientMayContinue && !passage.exchange.serverMayContinue)
  }
}
