import Balancing
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let put = "PUT / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `From a request to a server's connection` {
  @Test func `a timer that fired too early is armed for when something can expire`() throws {
    var stage = try Stage.make(
      settings: "timeouts: { queue: 60s, connect: 10s, server: 5m }", serverSettings: ", connections: 1")
    var first = try stage.connect()
    first.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    let known = Set(stage.loop.clients.keys)
    var second = try stage.connect()
    second.send(get)
    let key = try #require(stage.loop.clients.keys.first { !known.contains($0) })
    try stage.until("the client waits") { $0.loop.clients[key].phase == .queued }
    let queued = stage.now
    stage.pass(.seconds(11))
    #expect(stage.loop.clients[key].armed == queued + .seconds(60))
  }

  @Test(arguments: [false, true])
  func `a client that leaves before its answer has begun is not waited for`(isConnected: Bool) throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    try stage.until("a connection is being made") { $0.phases.contains(.connecting) }
    if isConnected {
      var server = try stage.accept()
      _ = try stage.receive(&server)
    }
    client.sendEnd()
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(stage.roster.servers[0].occupancy.active == 0)
  }

  @Test func `what a client sends before it ends its direction is passed through, and so is its end`() throws {
    var stage = try Stage.make(isPassthrough: true)
    var client = try stage.makeClient()
    client.send("hello")
    client.sendEnd()
    var server = try stage.accept()
    #expect(try stage.receive(&server, until: "hello") == "hello")
    #expect(try stage.receiveEnd(&server) == .closed)
    server.send("world")
    #expect(try stage.receive(&client, until: "world") == "world")
    server.sendEnd()
    #expect(try stage.receiveEnd(&client) == .closed)
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  @Test(arguments: [false, true])
  func `a reset is passed through as one`(isOfServer: Bool) throws {
    var stage = try Stage.make(isPassthrough: true)
    var client = try stage.makeClient()
    client.send("hello")
    var server = try stage.accept()
    _ = try stage.receive(&server, until: "hello")
    server.send("world")
    _ = try stage.receive(&client, until: "world")
    if isOfServer {
      server.vanish()
      #expect(try stage.receiveEnd(&client) == .cut)
    } else {
      client.vanish()
      #expect(try stage.receiveEnd(&server) == .cut)
    }
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  @Test func `a client that is reset frees its place at a server that does not answer`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    client.vanish()
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(stage.roster.servers[0].occupancy.active == 0)
    #expect(try stage.receiveEnd(&server) == .closed)
  }

  @Test func `who is still connecting to a server that goes down is sent to another`() throws {
    var stage = try Stage.make(servers: 2)
    var client = try stage.connect()
    client.send(get)
    try stage.until("a connection is being made") { $0.phases.contains(.connecting) }
    let chosen = try #require(stage.loop.clients.keys.first.flatMap { stage.loop.clients[$0].server })
    stage.roster.set(.down, at: chosen)
    var server = try stage.accept(at: 1 - chosen)
    _ = try stage.receive(&server)
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    #expect(stage.roster.servers[chosen].occupancy.active == 0)
  }

  @Test func `a server that is removed while something runs there, and put back, is the same one`() throws {
    var stage = try Stage.make(servers: 2)
    var client = try stage.connect()
    client.send(get)
    try stage.until("a connection is being made") { $0.phases.contains(.connecting) }
    let chosen = try #require(stage.loop.clients.keys.first.flatMap { stage.loop.clients[$0].server })
    var server = try stage.accept(at: chosen)
    _ = try stage.receive(&server)
    let running = stage.roster.servers[chosen]
    try stage.reload(servers: [1 - chosen])
    #expect(stage.fleet.removedServers.map(\.place) == [running.place])
    #expect(stage.fleet.dropEmptyServers().isEmpty)
    try stage.reload(servers: [0, 1])
    #expect(stage.roster.servers[chosen] === running)
    #expect(stage.fleet.removedServers.isEmpty)
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    #expect(running.isEmpty)
    // With nothing there it is forgotten.
    try stage.reload(servers: [1 - chosen])
    #expect(stage.fleet.dropEmptyServers().map(\.place) == [running.place])
    try stage.reload(servers: [0, 1])
    #expect(stage.roster.servers[chosen] !== running)
  }

  @Test func `an answer that nobody asked for is nobody's, also when it comes together with the next request`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var poisoned = try stage.accept()
    _ = try stage.receive(&poisoned)
    poisoned.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    // The loop hears of the request first.
    client.send(get)
    poisoned.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
  }

  @Test func `a request that may not be repeated asks whether the server is still there`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var stale = try stage.accept()
    _ = try stage.receive(&stale)
    stale.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    // The server closes while the loop is busy with events that it fetched before.
    client.send(post)
    stale.sendEnd()
    let key = try #require(stage.loop.clients.keys.first)
    stage.loop.clients[key].stream.became(.readable)
    #expect(stage.loop.clients[key].advance(&stage.loop.world) == .keep)
    var server = try stage.accept()
    #expect(try stage.receive(&server, until: "body").hasPrefix("POST / "))
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
  }

  @Test func `a request survives a pooled connection on which the first write fails`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var stale = try stage.accept()
    _ = try stage.receive(&stale)
    stale.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    // The loop has taken the connection, and the first write finds it broken.
    client.send(put)
    let key = try #require(stage.loop.clients.keys.first)
    stage.loop.clients[key].stream.became(.readable)
    stale.vanish()
    #expect(stage.loop.clients[key].advance(&stage.loop.world) == .keep)
    var server = try stage.accept()
    #expect(try stage.receive(&server, until: "body").hasPrefix("PUT / "))
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
  }

  @Test func `a place is handed from client to client, and comes back in the end`() throws {
    var stage = try Stage.make(serverSettings: ", connections: 1")
    var first = try stage.connect()
    var second = try stage.connect()
    first.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    second.send(get)
    try stage.until("the second client waits") { $0.phases.contains(.queued) }
    server.send(ok)
    #expect(try stage.receive(&first, until: "ok") == ok)
    _ = try stage.receive(&server)
    server.send(ok)
    #expect(try stage.receive(&second, until: "ok") == ok)
    #expect(stage.roster.servers[0].occupancy == (active: 0, waiting: 0))
  }

  @Test func `a place that is granted to a client that has just given up goes to the next`() throws {
    var stage = try Stage.make(settings: "timeouts: { queue: 5s }", serverSettings: ", connections: 1")
    var first = try stage.connect()
    var second = try stage.connect()
    first.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    second.send(get)
    try stage.until("the second client waits") { $0.phases.contains(.queued) }
    let waiting = try #require(stage.loop.clients.keys.first { stage.loop.clients[$0].phase == .queued })
    // The place is free, the letter that says so is under way, and time is up.
    stage.roster.leave(0, stage.loop.clients[waiting].account)
    stage.loop.world.now = stage.now + .seconds(6)
    #expect(stage.loop.clients[waiting].timerFired(&stage.loop.world) == .keep)
    #expect(try stage.receive(&second, until: "\n").hasPrefix("HTTP/1.1 503 "))
    stage.turn()
    #expect(stage.roster.servers[0].occupancy == (active: 0, waiting: 0))
  }
}

extension Stage {
  var roster: Roster { loop.world.generation.roster }

  /// What the loop's clients are at.
  var phases: [Client.Phase] { loop.clients.keys.map { loop.clients[$0].phase } }
}
