import Balancing
import Domain
import Linux
import Testing
import Wire

@testable import Worker

/// State shared by snapshots, and their lifetime.
struct ConfigurationSnapshotTests {
  @Test func `a server's state is common to all snapshots, whichever of them learned it`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    let before = testLoop.backend
    try testLoop.reload(servers: [1, 0])
    let after = testLoop.backend
    let epoch = before.epoch
    before.set(.down, at: 0)
    #expect(after.servers[1].state == .down)
    #expect(before.epoch != epoch && before.epoch == after.epoch)
    for last in UInt32(0)..<32 {
      let client = ClientKey(IPAddress(v4: 0x0a00_0000 | last))
      #expect(before.server(of: client, at: testLoop.now) == 1)
      #expect(after.server(of: client, at: testLoop.now) == 0)
    }
  }

  @Test func `new servers are assumed to be up if a reload leaves no other`() throws {
    let testLoop = try TestLoop.make(servers: 3)
    testLoop.sharedState.adopt(try testLoop.snapshot(of: [0]), adminStates: [:])
    // The removed servers are dropped, since they have no exchanges.
    #expect(testLoop.sharedState.dropEmptyServers().count == 2)
    // One is known to be up: another has to pass a check first.
    let both = try testLoop.snapshot(of: [0, 1])
    testLoop.sharedState.adopt(both, adminStates: [:])
    #expect(both.services[0].backend.servers.map(\.state) == [.up, .down])
    let other = try testLoop.snapshot(of: [2])
    #expect(other.services[0].backend.servers.map(\.state) == [.down])
    testLoop.sharedState.adopt(other, adminStates: [:])
    #expect(other.services[0].backend.servers.map(\.state) == [.up])
  }

  @Test(arguments: [(AdminState.Mode.maintenance, ServerState.maintenance), (.drain, .drain)])
  func `an administrative state is part of the snapshot, so that a server in maintenance gets no clients`(
    mode: AdminState.Mode, state: ServerState
  ) throws {
    let testLoop = try TestLoop.make(servers: 3)
    let before = testLoop.backend
    let weight = AdminState(weight: 0, since: WallTime(seconds: 1))
    testLoop.sharedState.adopt(try testLoop.snapshot(of: [0]), adminStates: ["view01": weight])
    #expect(testLoop.sharedState.dropEmptyServers().count == 2)
    // Two unchecked servers, as after a service is renamed.
    let next = try testLoop.snapshot(of: [1, 2])
    let wanted = AdminState(mode: mode, since: WallTime(seconds: 1))
    testLoop.sharedState.adopt(next, adminStates: ["view02": wanted])
    let backend = next.services[0].backend
    #expect(backend.servers.map(\.state) == [state, .up])
    for last in UInt32(0)..<32 {
      #expect(backend.server(of: ClientKey(IPAddress(v4: 0x0a00_0000 | last)), at: testLoop.now) == 1)
    }
    // The removed server still has exchanges, and keeps its state until they have ended.
    #expect(testLoop.sharedState.adminState(of: before.servers[0]) == weight)
    testLoop.sharedState.adopt(try testLoop.snapshot(of: [0, 2]), adminStates: [:])
    #expect(testLoop.sharedState.adminState(of: before.servers[0]) == nil)
  }

  @Test func `a snapshot is released with the last connection that uses it`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    #expect(testLoop.sharedState.snapshotCount == 1)
    for _ in 0..<20 { try testLoop.reload(servers: [0]) }
    #expect(testLoop.sharedState.snapshotCount == 2)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    _ = try testLoop.receive(&client, until: "ok")
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var next = try testLoop.accept()
    _ = try testLoop.receive(&next)
    // The server has a second to close its end.
    testLoop.pass(LoopContext.endingTime)
    #expect(testLoop.sharedState.snapshotCount == 1)
  }
}

extension Backend {
  fileprivate func server(of client: ClientKey, at now: Instant) -> Int? {
    route(client, isRemembered: true, cookie: nil, tried: ServerSet(), at: now)?.server
  }
}
