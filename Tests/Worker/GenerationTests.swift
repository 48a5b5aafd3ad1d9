import Balancing
import Linux
import Testing
import Wire

@testable import Worker

/// What generations share, and how long they live.
struct GenerationTests {
  @Test func `a server's state is the same to every generation, whichever of them has learnt it`() throws {
    var stage = try Stage.make(servers: 2)
    let before = stage.roster
    try stage.reload(servers: [1, 0])
    let after = stage.roster
    let epoch = before.epoch
    before.set(.down, at: 0)
    #expect(after.servers[1].state == .down)
    #expect(before.epoch != epoch && before.epoch == after.epoch)
    for last in UInt32(0)..<32 {
      let client = ClientKey(IPAddress(v4: 0x0a00_0000 | last))
      #expect(before.server(of: client, at: stage.now) == 1)
      #expect(after.server(of: client, at: stage.now) == 0)
    }
  }

  @Test func `servers that nobody has asked yet are believed when a reload leaves no other`() throws {
    let stage = try Stage.make(servers: 3)
    stage.fleet.adopt(try stage.generation(of: [0]))
    // Those that were removed are forgotten, since nothing runs there.
    #expect(stage.fleet.dropEmptyServers().count == 2)
    // One is known and up: another has to prove itself first.
    let both = try stage.generation(of: [0, 1])
    stage.fleet.adopt(both)
    #expect(both.roster.servers.map(\.state) == [.up, .down])
    let other = try stage.generation(of: [2])
    #expect(other.roster.servers.map(\.state) == [.down])
    stage.fleet.adopt(other)
    #expect(other.roster.servers.map(\.state) == [.up])
  }

  @Test func `a generation is gone with the last connection that began under it`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var server = try stage.accept()
    _ = try stage.receive(&server)
    #expect(stage.fleet.generationCount == 1)
    for _ in 0..<20 { try stage.reload(servers: [0]) }
    #expect(stage.fleet.generationCount == 2)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    _ = try stage.receive(&client, until: "ok")
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var next = try stage.accept()
    _ = try stage.receive(&next)
    // The server has a second to close what has ended.
    stage.pass(World.endingTime)
    #expect(stage.fleet.generationCount == 1)
  }
}

extension Roster {
  fileprivate func server(of client: ClientKey, at now: Instant) -> Int? {
    route(client, isRemembered: true, cookie: nil, tried: ServerSet(), at: now)?.server
  }
}
