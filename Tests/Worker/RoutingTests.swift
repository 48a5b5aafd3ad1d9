import Balancing
import Domain
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let put = "PUT / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `From a request to a server connection` {
  @Test func `a timer that fired early is armed again for the next expiry`() throws {
    var testLoop = try TestLoop.make(
      settings: "timeouts: { queue: 60s, connect: 10s, server: 5m }", serverSettings: ", connections: 1")
    var first = try testLoop.connect()
    first.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    let known = Set(testLoop.loop.clients.keys)
    var second = try testLoop.connect()
    second.send(get)
    let key = try #require(testLoop.loop.clients.keys.first { !known.contains($0) })
    try testLoop.until("the client waits") { $0.activity(of: key) == .queued }
    let queued = testLoop.now
    testLoop.pass(.seconds(11))
    #expect(testLoop.loop.clients[key].armed == queued + .seconds(60))
  }

  @Test(arguments: [false, true])
  func `a client that closes before its answer has begun is not waited for`(isConnected: Bool) throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    if isConnected {
      var server = try testLoop.accept()
      _ = try testLoop.receive(&server)
    }
    client.sendEnd()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(testLoop.backend.servers[0].occupancy.active == 0)
  }

  @Test func `a client's bytes before its end of direction are forwarded, and so is the end`() throws {
    var testLoop = try TestLoop.make(isPassthrough: true)
    var client = try testLoop.makeClient()
    client.send("hello")
    client.sendEnd()
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "hello") == "hello")
    #expect(try testLoop.receiveEnd(&server) == .closed)
    server.send("world")
    #expect(try testLoop.receive(&client, until: "world") == "world")
    server.sendEnd()
    #expect(try testLoop.receiveEnd(&client) == .closed)
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  @Test(arguments: [false, true])
  func `a reset is forwarded as a reset`(isOfServer: Bool) throws {
    var testLoop = try TestLoop.make(isPassthrough: true)
    var client = try testLoop.makeClient()
    client.send("hello")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server, until: "hello")
    server.send("world")
    _ = try testLoop.receive(&client, until: "world")
    if isOfServer {
      server.vanish()
      #expect(try testLoop.receiveEnd(&client) == .cut)
    } else {
      client.vanish()
      #expect(try testLoop.receiveEnd(&server) == .cut)
    }
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  @Test func `a client that resets frees its place at a server that does not answer`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    client.vanish()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(testLoop.backend.servers[0].occupancy.active == 0)
    #expect(try testLoop.receiveEnd(&server) == .closed)
  }

  @Test func `a client that is connecting to a server that goes down is sent to another`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    var client = try testLoop.connect()
    client.send(get)
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    let chosen = try testLoop.chosenServer()
    testLoop.backend.set(.down, at: chosen)
    var server = try testLoop.accept(at: 1 - chosen)
    _ = try testLoop.receive(&server)
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(testLoop.backend.servers[chosen].occupancy.active == 0)
  }

  @Test func `a removed server with exchanges is the same one if it is added again`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    var client = try testLoop.connect()
    client.send(get)
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    let chosen = try testLoop.chosenServer()
    var server = try testLoop.accept(at: chosen)
    _ = try testLoop.receive(&server)
    let running = testLoop.backend.servers[chosen]
    try testLoop.reload(servers: [1 - chosen])
    #expect(testLoop.sharedState.removedServers.map(\.identity) == [running.identity])
    #expect(testLoop.sharedState.dropEmptyServers().isEmpty)
    try testLoop.reload(servers: [0, 1])
    #expect(testLoop.backend.servers[chosen] === running)
    #expect(testLoop.sharedState.removedServers.isEmpty)
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(running.isEmpty)
    // Without exchanges it is dropped.
    try testLoop.reload(servers: [1 - chosen])
    #expect(testLoop.sharedState.dropEmptyServers().map(\.identity) == [running.identity])
    try testLoop.reload(servers: [0, 1])
    #expect(testLoop.backend.servers[chosen] !== running)
  }

  @Test func `an unsolicited answer is never sent to a client, even if it arrives with the next request`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var poisoned = try testLoop.accept()
    _ = try testLoop.receive(&poisoned)
    poisoned.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    // The loop gets the event of the request first.
    client.send(get)
    poisoned.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
  }

  @Test func `a request that may not be repeated checks first whether the server has closed`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var stale = try testLoop.accept()
    _ = try testLoop.receive(&stale)
    stale.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    // The server closes while the loop handles events that it fetched before.
    client.send(post)
    stale.sendEnd()
    let key = try #require(testLoop.loop.clients.keys.first)
    testLoop.loop.clients[key].client.side.stream.became(.readable)
    #expect(testLoop.loop.clients[key].advance(&testLoop.loop.context) == .keep)
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "body").hasPrefix("POST / "))
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
  }

  @Test func `a request is retried if the first write on a pooled connection fails`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var stale = try testLoop.accept()
    _ = try testLoop.receive(&stale)
    stale.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    // The loop has taken the connection from the pool, and the first write fails.
    client.send(put)
    let key = try #require(testLoop.loop.clients.keys.first)
    testLoop.loop.clients[key].client.side.stream.became(.readable)
    stale.vanish()
    #expect(testLoop.loop.clients[key].advance(&testLoop.loop.context) == .keep)
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "body").hasPrefix("PUT / "))
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
  }

  @Test func `a place is passed from client to client, and is free in the end`() throws {
    var testLoop = try TestLoop.make(serverSettings: ", connections: 1")
    var first = try testLoop.connect()
    var second = try testLoop.connect()
    first.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    second.send(get)
    try testLoop.until("the second client waits") { $0.activities.contains(.queued) }
    server.send(ok)
    #expect(try testLoop.receive(&first, until: "ok") == ok)
    _ = try testLoop.receive(&server)
    server.send(ok)
    #expect(try testLoop.receive(&second, until: "ok") == ok)
    #expect(testLoop.backend.servers[0].occupancy == (active: 0, waiting: 0))
  }

  @Test func `a place granted to a client that has just given up goes to the next`() throws {
    var testLoop = try TestLoop.make(settings: "timeouts: { queue: 5s }", serverSettings: ", connections: 1")
    var first = try testLoop.connect()
    var second = try testLoop.connect()
    first.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    second.send(get)
    try testLoop.until("the second client waits") { $0.activities.contains(.queued) }
    let waiting = try #require(testLoop.loop.clients.keys.first { testLoop.activity(of: $0) == .queued })
    // The place is free, its message is in transit, and the time-out expires.
    testLoop.backend.leave(0, testLoop.identity(of: waiting).account)
    testLoop.loop.context.now = testLoop.now + .seconds(6)
    #expect(testLoop.loop.clients[waiting].timerFired(&testLoop.loop.context) == .keep)
    #expect(try testLoop.receive(&second, until: "\n").hasPrefix("HTTP/1.1 503 "))
    testLoop.turn()
    #expect(testLoop.backend.servers[0].occupancy == (active: 0, waiting: 0))
  }
}

extension TestLoop {
  var backend: Backend { loop.context.snapshot.services[0].backend }

  /// The activities of the loop's clients.
  var activities: [Activity] { loop.clients.keys.map { activity(of: $0) } }

  /// The client of the request under way; of the connection, if there is none.
  func identity(of key: SlabKey) -> ClientIdentity {
    let peer = loop.clients[key].client.peer
    guard !loop.clients[key].requests.isEmpty else { return peer }
    return loop.clients[key].requests.current.value.origin ?? peer
  }

  func activity(of key: SlabKey) -> Activity {
    guard loop.clients[key].phase == .open, !loop.clients[key].requests.isEmpty else { return .other }
    return switch loop.clients[key].requests.current.value.exchange.state {
    case .queued: .queued
    case .connecting: .connecting
    default: .other
    }
  }

  enum Activity { case queued, connecting, other }
}
