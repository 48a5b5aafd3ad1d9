import Balancing
import Domain
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

/// Many slow or silent clients, and others beside them.
@Suite struct `Many clients` {
  @Test func `no TLS connection is created for a client that has sent nothing`() throws {
    var testLoop = try TestLoop.make()
    let silent = try silentClients(3, &testLoop)
    #expect(testLoop.loop.clients.keys.allSatisfy { testLoop.loop.clients[$0].client.side.stream.tls == nil })
    #expect(testLoop.loop.clients.keys.allSatisfy { testLoop.loop.clients[$0].isSilent })
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    #expect(testLoop.loop.clients.keys.count { !testLoop.loop.clients[$0].isSilent } == 1)
    withExtendedLifetime(silent) {}
  }

  @Test func `a client connection takes at most 1 KiB`() {
    #expect(MemoryLayout<ClientConnection>.stride <= 1024, "\(MemoryLayout<ClientConnection>.stride)")
  }

  @Test func `a client that closes after its ClientHello causes no signature`() throws {
    var testLoop = try TestLoop.make()
    var halfClosed = try testLoop.makeClient()
    halfClosed.pump()
    halfClosed.cut()
    var reset = try testLoop.makeClient()
    reset.pump()
    reset.vanish()
    try testLoop.until("both are gone") {
      $0.loop.context.reports.counters.connections == 2 && $0.loop.clients.count == 0
    }
    #expect(testLoop.loop.context.reports.counters.refused.handshakes == 2)
    halfClosed.pump()
    #expect(!halfClosed.isConnected && halfClosed.received.isEmpty)
  }

  @Test func `a client that closes while it waits for its turn causes no signature`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.makeClient()
    client.pump()
    try testLoop.until("it is accepted") { $0.loop.clients.count == 1 }
    client.cut()
    // The earlier readiness does not include the end.
    let key = testLoop.loop.clients.keys[0]
    testLoop.loop.clients[key].client.side.stream.became([.readable, .writable])
    testLoop.loop.clients[key].standInLine(&testLoop.loop.context)
    testLoop.loop.runHandshakes { testLoop.now }
    #expect(testLoop.loop.clients.count == 0)
    #expect(testLoop.loop.context.reports.counters.refused.handshakes == 1)
  }

  @Test func `a turn continues a bounded number of handshakes`() throws {
    var testLoop = try TestLoop.make()
    var clients: [TestServer.Owner] = []
    for _ in 0..<Loop.handshakesPerTurn * 2 {
      var client = try testLoop.makeClient()
      client.pump()
      clients.append(TestServer.Owner(client))
    }
    try testLoop.until("all are accepted") { $0.loop.clients.count == clients.count }
    var begun = 0
    while begun < clients.count {
      testLoop.turn()
      let now = testLoop.loop.clients.keys.count { !testLoop.loop.clients[$0].isSilent }
      #expect(now - begun <= Loop.handshakesPerTurn)
      begun = now
    }
  }

  @Test func `time-outs that expire at once are handled in several turns`() throws {
    var testLoop = try TestLoop.make(settings: "timeouts: { tls-handshake: 5s }")
    let count = Loop.closingsPerTurn + 20
    let silent = try silentClients(count, &testLoop)
    testLoop.pass(.seconds(6))
    #expect(testLoop.loop.clients.count == 20)
    testLoop.turn()
    #expect(testLoop.loop.clients.count == 0)
    withExtendedLifetime(silent) {}
  }

  @Test func `a turn ends connections by time-out for a bounded time`() throws {
    var testLoop = try TestLoop.make(settings: "timeouts: { tls-handshake: 5s }")
    let silent = try silentClients(40, &testLoop)
    testLoop.pass(.seconds(6), ticking: shareOfClosings)
    try endSlowly(&testLoop)
    withExtendedLifetime(silent) {}
  }

  @Test func `a turn ends connections by a stop for a bounded time`() throws {
    var testLoop = try TestLoop.make()
    var clients: [TestServer.Owner] = []
    for _ in 0..<20 { clients.append(TestServer.Owner(try testLoop.connect())) }
    try testLoop.until("all are idle") { testLoop in
      testLoop.loop.clients.keys.allSatisfy { testLoop.loop.clients[$0].isIdle }
    }
    testLoop.sharedState.mailbox(of: 0).post(.stop(deadline: .distantFuture))
    testLoop.pass(.zero, ticking: shareOfClosings)
    try endSlowly(&testLoop)
  }

  /// The time to end one connection: a turn has time for five of them.
  private var shareOfClosings: Interval { Interval(nanoseconds: Loop.closingBudget.nanoseconds / 4) }

  /// Some have ended in the turn before; the others end in batches.
  private func endSlowly(_ testLoop: inout TestLoop) throws {
    var left = testLoop.loop.clients.count
    #expect(left > 0)
    while left > 0 {
      testLoop.pass(.zero, ticking: shareOfClosings)
      let ended = left - testLoop.loop.clients.count
      #expect(ended > 0 && ended <= 5)
      guard ended > 0 else { return }
      left -= ended
    }
  }

  @Test func `a turn continues handshakes for a bounded time`() throws {
    var testLoop = try TestLoop.make()
    var clients: [TestServer.Owner] = []
    for _ in 0..<30 {
      var client = try testLoop.makeClient()
      client.pump()
      clients.append(TestServer.Owner(client))
    }
    try testLoop.until("all are accepted") { $0.loop.clients.count == clients.count }
    func begun(_ testLoop: borrowing TestLoop) -> Int {
      testLoop.loop.clients.keys.count { !testLoop.loop.clients[$0].isSilent }
    }
    var before = begun(testLoop)
    for _ in 0..<200 where before < clients.count {
      testLoop.pass(.zero, ticking: Interval(nanoseconds: Loop.leastStepTime.nanoseconds / 2))
      let now = begun(testLoop)
      #expect(now - before <= 2)
      before = now
    }
    #expect(before == clients.count)
    withExtendedLifetime(clients) {}
  }

  @Test func `a client that has sent nothing is not queued for a handshake`() throws {
    var testLoop = try TestLoop.make()
    let silent = try silentClients(40, &testLoop)
    for _ in 0..<2 {
      testLoop.turn()
      let isIdle = testLoop.loop.context.leftovers.handshakes.isEmpty
      #expect(isIdle)
    }
    withExtendedLifetime(silent) {}
  }

  @Test func `at the limit the oldest client that has sent nothing is evicted`() throws {
    var testLoop = try TestLoop.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 3 }")
    var talker = try testLoop.connect()
    var silent = try silentClients(2, &testLoop)
    var newcomer = try testLoop.connect()
    #expect(testLoop.loop.clients.count == 3)
    try expect(silent.removeFirst(), hasEnded: true, &testLoop)
    try expect(silent.removeFirst(), hasEnded: false, &testLoop)
    try serve(&talker, &testLoop)
    try serve(&newcomer, &testLoop)
  }

  @Test func `at the limit an unfinished handshake is evicted before an idle client`() throws {
    var testLoop = try TestLoop.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 2 }")
    var talker = try testLoop.connect()
    var halfOpen = try testLoop.makeClient()
    halfOpen.pump()
    try testLoop.until("its hello is answered") { testLoop in
      testLoop.loop.clients.keys.contains {
        testLoop.loop.clients[$0].phase == .handshaking && !testLoop.loop.clients[$0].isSilent
      }
    }
    var newcomer = try testLoop.connect()
    #expect(testLoop.loop.clients.count == 2)
    try serve(&talker, &testLoop)
    try serve(&newcomer, &testLoop)
    halfOpen.vanish()
  }

  @Test func `at the limit the client idle longest is evicted, with close_notify`() throws {
    var testLoop = try TestLoop.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 3 }")
    var clients: [TestServer.Owner] = []
    for _ in 0..<3 {
      var client = try testLoop.connect()
      try serve(&client, &testLoop)
      clients.append(TestServer.Owner(client))
      testLoop.pass(.seconds(1))
    }
    try serve(&clients[0].end, &testLoop)
    var newcomer = try testLoop.connect()
    #expect(try testLoop.receiveEnd(&clients[1].end) == .closed)
    try serve(&newcomer, &testLoop)
    try serve(&clients[0].end, &testLoop)
    try serve(&clients[2].end, &testLoop)
  }

  @Test func `at the limit no client is evicted for an address that has reached its own limit`() throws {
    var testLoop = try TestLoop.make(settings: "limits: { connections: 3, connections-per-address: 3 }")
    let silent = try silentClients(3, &testLoop)
    let refused = Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))
    try testLoop.until("one too many is refused") { $0.loop.context.reports.counters.refused.connections == 1 }
    #expect(testLoop.loop.clients.count == 3)
    for client in silent { try expect(client, hasEnded: false, &testLoop) }
    withExtendedLifetime(refused) {}
  }

  @Test func `at the limit no client with a request is evicted, and new ones wait`() throws {
    var testLoop = try TestLoop.make(settings: "limits: { connections: 1 }")
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    var newcomer = try testLoop.makeClient()
    for _ in 0..<20 {
      newcomer.pump()
      testLoop.turn()
    }
    #expect(testLoop.loop.clients.count == 1 && !newcomer.isConnected)
    server.send(answer)
    server.pump()
    _ = try testLoop.receive(&client, until: "x")
    testLoop.pass(Loop.acceptPause)
    try testLoop.until("the newcomer is served") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
  }

  // MARK: Clients

  private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
  private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"

  /// One request and its answer.
  private func serve(_ client: inout TestServer, _ testLoop: inout TestLoop) throws {
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send(answer)
    server.pump()
    _ = try testLoop.receive(&client, until: "x")
  }

  private func silentClients(_ count: Int, _ testLoop: inout TestLoop) throws -> [Descriptor.Owner] {
    let before = testLoop.loop.clients.count
    var silent: [Descriptor.Owner] = []
    for _ in 0..<count { silent.append(Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))) }
    try testLoop.until("\(count) silent clients") { $0.loop.clients.count == before + count }
    return silent
  }

  private func expect(_ silent: Descriptor.Owner, hasEnded: Bool, _ testLoop: inout TestLoop) throws {
    for _ in 0..<10 { testLoop.turn() }
    #expect(Socket.hasEnded(silent.descriptor.number) == hasEnded)
  }
}
