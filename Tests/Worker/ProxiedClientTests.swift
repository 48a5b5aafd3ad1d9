import Balancing
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
private let trusting = "forwarded: { trusted-proxies: [127.0.0.1] }\n"

private func get(_ client: String?, _ lines: String...) -> String {
  let fields = (client.map { ["X-Forwarded-For: \($0)"] } ?? []) + lines
  return "GET / HTTP/1.1\r\nHost: view.test\r\n\(fields.map { $0 + "\r\n" }.joined())\r\n"
}

/// The server reads a request and answers it, and the proxy receives the answer.
private func answer(_ server: inout TestServer, to proxy: inout TestServer, _ testLoop: inout TestLoop) throws {
  _ = try testLoop.receive(&server)
  server.send(ok)
  _ = try testLoop.receive(&proxy, until: "ok")
}

/// A proxy's connection with the requests of many clients.
@Suite struct `A client behind a trusted proxy` {
  @Test func `has its own server, and no session between its requests`() throws {
    var testLoop = try TestLoop.make(servers: 2, settings: trusting)
    var proxy = try testLoop.connect()
    var servers: [TestServer.Owner?] = [nil, nil]
    var chosen: [Int] = []
    for round in 0..<2 {
      for number in 0..<12 {
        proxy.send(get("192.0.2.\(number)"))
        try testLoop.until("a server is chosen") { $0.server != nil }
        let index = try testLoop.chosenServer()
        if servers[index] == nil { servers[index] = TestServer.Owner(try testLoop.accept(at: index)) }
        let server = try #require(servers[index])
        _ = try testLoop.receive(&server.end)
        server.end.send(ok)
        #expect(try testLoop.receive(&proxy, until: "ok") == ok)
        if round == 0 { chosen.append(index) } else { #expect(index == chosen[number]) }
      }
      #expect(Set(chosen) == [0, 1])
      #expect(testLoop.counts.reduce(0) { $0 + $1.clients } == 12)
      #expect(testLoop.counts.reduce(0) { $0 + $1.sessions } == 0)
    }
  }

  @Test func `is the client in the log and in the queues from the head to the end of the request`() throws {
    var testLoop = try TestLoop.make(settings: trusting)
    var proxy = try testLoop.connect()
    let key = try #require(testLoop.loop.clients.keys.first)
    let own = testLoop.identity(of: key).account
    proxy.send(get("203.0.113.1, 192.0.2.7:1234"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    #expect(testLoop.identity(of: key).endpoint.description == "192.0.2.7:1234")
    #expect(testLoop.identity(of: key).account != own)
    server.send(ok)
    _ = try testLoop.receive(&proxy, until: "ok")
    // Between requests the connection is the proxy's own.
    #expect(testLoop.identity(of: key).account == own)
    #expect(testLoop.identity(of: key).endpoint.address.description == "127.0.0.1")
    // So is a request without X-Forwarded-For.
    proxy.send(get(nil))
    _ = try testLoop.receive(&server)
    #expect(testLoop.identity(of: key).account == own)
  }

  @Test func `is not believed if the peer is not trusted`() throws {
    var testLoop = try TestLoop.make(settings: "forwarded: { trusted-proxies: [127.0.0.2] }\n")
    var client = try testLoop.connect()
    client.send(get("192.0.2.7"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    let key = try #require(testLoop.loop.clients.keys.first)
    #expect(testLoop.identity(of: key).endpoint.address.description == "127.0.0.1")
  }

  @Test func `has a limited number of requests in progress on all connections together`() throws {
    var testLoop = try TestLoop.make(settings: trusting + "limits: { connections-per-address: 2 }\n")
    var first = try testLoop.connect()
    first.send(get("192.0.2.7"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    var second = try testLoop.connect()
    second.send(get("192.0.2.7"))
    var another = try testLoop.accept()
    _ = try testLoop.receive(&another)
    var third = try testLoop.connect()
    third.send(get("192.0.2.7"))
    #expect(try testLoop.receive(&third, until: "\n").hasPrefix("HTTP/1.1 503 "))
    // Another client has its own limit, and this one may send again when one of the two has ended in any way.
    var other = try testLoop.connect()
    other.send(get("192.0.2.8"))
    _ = try testLoop.accept()
    second.vanish()
    another.vanish()
    var fourth = try testLoop.connect()
    fourth.send(get("192.0.2.7"))
    another = try testLoop.accept()
    _ = try testLoop.receive(&another)
    server.send(ok)
    #expect(try testLoop.receive(&first, until: "ok") == ok)
    first.send(get("192.0.2.7"))
    _ = try testLoop.receive(&server)
  }

  @Test func `does not get a server connection that another client authenticated`() throws {
    var testLoop = try TestLoop.make(settings: trusting)
    var proxy = try testLoop.connect()
    proxy.send(get("192.0.2.7:5000", "Authorization: NTLM TlRMTVNTUAAB"))
    var first = try testLoop.accept()
    try answer(&first, to: &proxy, &testLoop)
    // The same client continues there.
    proxy.send(get("192.0.2.7:5000"))
    try answer(&first, to: &proxy, &testLoop)
    // Another client does not, and its server connection may be shared again.
    proxy.send(get("192.0.2.8"))
    var second = try testLoop.accept()
    _ = try testLoop.receive(&second)
    #expect(try testLoop.receiveEnd(&first) != nil)
    second.send(ok)
    _ = try testLoop.receive(&proxy, until: "ok")
    proxy.send(get("192.0.2.9"))
    _ = try testLoop.receive(&second)
  }

  @Test func `without a port reuses an authenticated connection only with credentials in the request`() throws {
    var testLoop = try TestLoop.make(settings: trusting)
    var proxy = try testLoop.connect()
    proxy.send(get("192.0.2.7", "Authorization: NTLM TlRMTVNTUAAB"))
    var first = try testLoop.accept()
    try answer(&first, to: &proxy, &testLoop)
    proxy.send(get("192.0.2.7", "Authorization: NTLM TlRMTVNTUAAD"))
    try answer(&first, to: &proxy, &testLoop)
    // Several clients may share this address.
    proxy.send(get("192.0.2.7"))
    var second = try testLoop.accept()
    _ = try testLoop.receive(&second)
    #expect(try testLoop.receiveEnd(&first) != nil)
  }

  @Test func `gets a place that was granted to it, and never one of an earlier request on its connection`() throws {
    var testLoop = try TestLoop.make(
      settings: trusting + "timeouts: { queue: 5s }\n", serverSettings: ", connections: 1")
    var first = try testLoop.connect()
    first.send(get("192.0.2.7"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    var second = try testLoop.connect()
    // Of the same client: nothing but its key tells whose the place is.
    second.send(get("192.0.2.7"))
    try testLoop.until("the second client waits") { $0.activities.contains(.queued) }
    let waiting = try #require(testLoop.loop.clients.keys.first { testLoop.activity(of: $0) == .queued })
    let account = testLoop.identity(of: waiting).account
    // The message says that an earlier request on this connection has the place: it is given back.
    let earlier = RequestKey(connection: waiting, number: 0)
    let stale = WaitingRequest(loop: 0, key: earlier, account: account)
    let place = testLoop.backend.servers[0]
    #expect(testLoop.loop.clients[waiting].granted(stale, place, &testLoop.loop.context) == .keep)
    #expect(testLoop.activity(of: waiting) == .queued)
    // Then its own message arrives.
    try testLoop.until("the second client has the place") { $0.activity(of: waiting) != .queued }
    #expect(testLoop.identity(of: waiting).account == account)
    #expect(place.occupancy == (active: 1, waiting: 0))
  }
}

extension TestLoop {
  /// The server of the request in progress.
  fileprivate var server: Int? {
    for key in loop.clients.keys where !loop.clients[key].requests.isEmpty {
      if let server = loop.clients[key].requests.current.value.server { return server }
    }
    return nil
  }

  /// The number of clients and sessions of each server.
  fileprivate var counts: [AffinityCount] {
    let tally = backend.affinity.tally(at: now)
    return backend.servers.map { tally[$0.id] ?? AffinityCount() }
  }
}
