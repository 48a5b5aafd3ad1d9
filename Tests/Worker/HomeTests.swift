import Balancing
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `Where a client is at home` {
  @Test func `is where it was answered, not where it was sent`() throws {
    var stage = try Stage.make(servers: 2)
    var client = try stage.connect()
    client.send(get)
    try stage.until("a connection is being made") { $0.phases.contains(.connecting) }
    let chosen = try #require(stage.loop.clients.keys.first.flatMap { stage.loop.clients[$0].server })
    var server = try stage.accept(at: chosen)
    _ = try stage.receive(&server)
    #expect(stage.homes == [:])
    server.vanish()
    var other = try stage.accept(at: 1 - chosen)
    _ = try stage.receive(&other)
    #expect(stage.homes == [:])
    other.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    #expect(stage.homes == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    // The same connection goes on there, and counts once.
    client.send(get)
    _ = try stage.receive(&other)
    other.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    #expect(stage.homes == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    client.vanish()
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(stage.homes == [1 - chosen: AffinityCount(clients: 1, sessions: 0)])
    // Who comes back counts from the start, and moves only when another one answers.
    client = try stage.connect()
    client.send(get)
    _ = try stage.receive(&other)
    #expect(stage.homes == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    // A connection that had served before is made anew first.
    other.vanish()
    var anew = try stage.accept(at: 1 - chosen)
    _ = try stage.receive(&anew)
    anew.vanish()
    server = try stage.accept(at: chosen)
    _ = try stage.receive(&server)
    #expect(stage.homes == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    server.send(ok)
    #expect(try stage.receive(&client, until: "ok") == ok)
    #expect(stage.homes == [chosen: AffinityCount(clients: 1, sessions: 1)])
  }

  @Test func `is nowhere as long as it has only had answers of ours`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(post)
    var server = try stage.accept()
    _ = try stage.receive(&server, until: "body")
    server.vanish()
    #expect(try stage.receive(&client, until: "\n").hasPrefix("HTTP/1.1 502 "))
    #expect(stage.homes == [:])
  }

  @Test func `is not where an interim answer came from`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send("HTTP/1.1 102 Processing\r\n\r\n")
    _ = try stage.receive(&client)
    #expect(stage.homes == [:])
    server.send(ok)
    _ = try stage.receive(&client, until: "ok")
    #expect(stage.homes == [0: AffinityCount(clients: 1, sessions: 1)])
  }

  @Test func `is where the first byte came from when connections are passed through`() throws {
    var stage = try Stage.make(isPassthrough: true)
    var client = try stage.makeClient()
    client.send("hello")
    var server = try stage.accept()
    _ = try stage.receive(&server, until: "hello")
    #expect(stage.homes == [:])
    server.send("world")
    _ = try stage.receive(&client, until: "world")
    #expect(stage.homes == [0: AffinityCount(clients: 1, sessions: 1)])
    client.vanish()
    try stage.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(stage.homes == [0: AffinityCount(clients: 1, sessions: 0)])
  }
}

extension Stage {
  /// How many clients are at home on each server, by its index.
  fileprivate var homes: [Int: AffinityCount] {
    let tally = fleet.homes.tally(at: now)
    var homes: [Int: AffinityCount] = [:]
    for (index, server) in roster.servers.enumerated() {
      if let count = tally[server.id], count != AffinityCount() { homes[index] = count }
    }
    return homes
  }
}
