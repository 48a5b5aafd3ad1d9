import Balancing
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

/// Clients that are many, slow or silent, and the ones beside them.
@Suite struct `A crowd of clients` {
  @Test func `nothing of TLS is made for a client that has sent nothing`() throws {
    var stage = try Stage.make()
    let silent = try silentClients(3, &stage)
    #expect(stage.loop.clients.keys.allSatisfy { stage.loop.clients[$0].stream.tls == nil })
    #expect(stage.loop.clients.keys.allSatisfy { stage.loop.clients[$0].isSilent })
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    #expect(stage.loop.clients.keys.count { !stage.loop.clients[$0].isSilent } == 1)
    withExtendedLifetime(silent) {}
  }

  @Test func `a client is small until it speaks`() {
    #expect(MemoryLayout<Client>.stride <= 1024, "\(MemoryLayout<Client>.stride)")
  }

  @Test func `a client that left behind its hello gets nothing signed`() throws {
    var stage = try Stage.make()
    var halfClosed = try stage.makeClient()
    halfClosed.pump()
    halfClosed.cut()
    var reset = try stage.makeClient()
    reset.pump()
    reset.vanish()
    try stage.until("both are gone") {
      $0.loop.world.counters.connections == 2 && $0.loop.clients.count == 0
    }
    #expect(stage.loop.world.counters.failedHandshakes == 2)
    halfClosed.pump()
    #expect(!halfClosed.isConnected && halfClosed.received.isEmpty)
  }

  @Test func `a client that leaves while it waits for its turn gets nothing signed`() throws {
    var stage = try Stage.make()
    var client = try stage.makeClient()
    client.pump()
    try stage.until("it is accepted") { $0.loop.clients.count == 1 }
    client.cut()
    // What the poller told before says nothing of the end.
    let key = stage.loop.clients.keys[0]
    stage.loop.clients[key].stream.became([.readable, .writable])
    stage.loop.clients[key].standInLine(&stage.loop.world)
    stage.loop.runHandshakes { stage.now }
    #expect(stage.loop.clients.count == 0)
    #expect(stage.loop.world.counters.failedHandshakes == 1)
  }

  @Test func `one turn goes on with so many handshakes and no more`() throws {
    var stage = try Stage.make()
    var clients: [FarEnd.Owner] = []
    for _ in 0..<Loop.handshakesPerTurn * 2 {
      var client = try stage.makeClient()
      client.pump()
      clients.append(FarEnd.Owner(client))
    }
    try stage.until("all are accepted") { $0.loop.clients.count == clients.count }
    var begun = 0
    while begun < clients.count {
      stage.turn()
      let now = stage.loop.clients.keys.count { !stage.loop.clients[$0].isSilent }
      #expect(now - begun <= Loop.handshakesPerTurn)
      begun = now
    }
  }

  @Test func `time-outs that come all at once take several turns`() throws {
    var stage = try Stage.make(settings: "timeouts: { tls-handshake: 5s }")
    let count = Loop.closingsPerTurn + 20
    let silent = try silentClients(count, &stage)
    stage.pass(.seconds(6))
    #expect(stage.loop.clients.count == 20)
    stage.turn()
    #expect(stage.loop.clients.count == 0)
    withExtendedLifetime(silent) {}
  }

  @Test func `a turn ends connections by their time-outs for so long and no longer`() throws {
    var stage = try Stage.make(settings: "timeouts: { tls-handshake: 5s }")
    let silent = try silentClients(40, &stage)
    stage.pass(.seconds(6), ticking: shareOfClosings)
    try endSlowly(&stage)
    withExtendedLifetime(silent) {}
  }

  @Test func `a turn ends connections by a stop for so long and no longer`() throws {
    var stage = try Stage.make()
    var clients: [FarEnd.Owner] = []
    for _ in 0..<20 { clients.append(FarEnd.Owner(try stage.connect())) }
    try stage.until("all are idle") { stage in stage.loop.clients.keys.allSatisfy { stage.loop.clients[$0].isIdle } }
    stage.fleet.mailbox(of: 0).post(.stop(deadline: .distantFuture))
    stage.pass(.zero, ticking: shareOfClosings)
    try endSlowly(&stage)
  }

  /// What one connection takes that ends, as the clock says: a turn has time for five of them.
  private var shareOfClosings: Interval { Interval(nanoseconds: Loop.closingBudget.nanoseconds / 4) }

  /// Some have ended in the turn before; the others end a few in each.
  private func endSlowly(_ stage: inout Stage) throws {
    var left = stage.loop.clients.count
    #expect(left > 0)
    while left > 0 {
      stage.pass(.zero, ticking: shareOfClosings)
      let ended = left - stage.loop.clients.count
      #expect(ended > 0 && ended <= 5)
      guard ended > 0 else { return }
      left -= ended
    }
  }

  @Test func `a turn goes on with handshakes for so long and no longer`() throws {
    var stage = try Stage.make()
    var clients: [FarEnd.Owner] = []
    for _ in 0..<30 {
      var client = try stage.makeClient()
      client.pump()
      clients.append(FarEnd.Owner(client))
    }
    try stage.until("all are accepted") { $0.loop.clients.count == clients.count }
    func begun(_ stage: borrowing Stage) -> Int {
      stage.loop.clients.keys.count { !stage.loop.clients[$0].isSilent }
    }
    var before = begun(stage)
    for _ in 0..<200 where before < clients.count {
      stage.pass(.zero, ticking: Interval(nanoseconds: Loop.handshakeBudget.nanoseconds / 2))
      let now = begun(stage)
      #expect(now - before <= 2)
      before = now
    }
    #expect(before == clients.count)
    withExtendedLifetime(clients) {}
  }

  @Test func `a client that has only connected does not stand in line for a handshake`() throws {
    var stage = try Stage.make()
    let silent = try silentClients(40, &stage)
    for _ in 0..<2 {
      stage.turn()
      let isIdle = stage.loop.world.handshakes.isEmpty
      #expect(isIdle)
    }
    withExtendedLifetime(silent) {}
  }

  @Test func `at the limit the oldest client without a byte makes room`() throws {
    var stage = try Stage.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 3 }")
    var talker = try stage.connect()
    var silent = try silentClients(2, &stage)
    var newcomer = try stage.connect()
    #expect(stage.loop.clients.count == 3)
    try expect(silent.removeFirst(), hasEnded: true, &stage)
    try expect(silent.removeFirst(), hasEnded: false, &stage)
    try serve(&talker, &stage)
    try serve(&newcomer, &stage)
  }

  @Test func `at the limit a handshake that does not end makes room before a client that is idle`() throws {
    var stage = try Stage.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 2 }")
    var talker = try stage.connect()
    var halfOpen = try stage.makeClient()
    halfOpen.pump()
    try stage.until("its hello is answered") { stage in
      stage.loop.clients.keys.contains {
        stage.loop.clients[$0].phase == .handshaking && !stage.loop.clients[$0].isSilent
      }
    }
    var newcomer = try stage.connect()
    #expect(stage.loop.clients.count == 2)
    try serve(&talker, &stage)
    try serve(&newcomer, &stage)
    halfOpen.vanish()
  }

  @Test func `at the limit the client that has been idle longest makes room, and hears of it in order`() throws {
    var stage = try Stage.make(settings: "pool: { idle-connections: 0 }\nlimits: { connections: 3 }")
    var clients: [FarEnd.Owner] = []
    for _ in 0..<3 {
      var client = try stage.connect()
      try serve(&client, &stage)
      clients.append(FarEnd.Owner(client))
      stage.pass(.seconds(1))
    }
    try serve(&clients[0].end, &stage)
    var newcomer = try stage.connect()
    #expect(try stage.receiveEnd(&clients[1].end) == .closed)
    try serve(&newcomer, &stage)
    try serve(&clients[0].end, &stage)
    try serve(&clients[2].end, &stage)
  }

  @Test func `at the limit nobody makes room for a client that has its share already`() throws {
    var stage = try Stage.make(settings: "limits: { connections: 3, connections-per-address: 3 }")
    let silent = try silentClients(3, &stage)
    let refused = Descriptor.Owner(try Socket.connect(to: stage.endpoint))
    try stage.until("one too many is refused") { $0.loop.world.counters.refusedConnections == 1 }
    #expect(stage.loop.clients.count == 3)
    for client in silent { try expect(client, hasEnded: false, &stage) }
    withExtendedLifetime(refused) {}
  }

  @Test func `at the limit nobody who is at work makes room, and newcomers wait`() throws {
    var stage = try Stage.make(settings: "limits: { connections: 1 }")
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    var newcomer = try stage.makeClient()
    for _ in 0..<20 {
      newcomer.pump()
      stage.turn()
    }
    #expect(stage.loop.clients.count == 1 && !newcomer.isConnected)
    server.send(answer)
    server.pump()
    _ = try stage.receive(&client, until: "x")
    stage.pass(Loop.acceptPause)
    try stage.until("the newcomer is served") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
  }

  // MARK: actors

  private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
  private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"

  /// One request and its answer.
  private func serve(_ client: inout FarEnd, _ stage: inout Stage) throws {
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send(answer)
    server.pump()
    _ = try stage.receive(&client, until: "x")
  }

  private func silentClients(_ count: Int, _ stage: inout Stage) throws -> [Descriptor.Owner] {
    let before = stage.loop.clients.count
    var silent: [Descriptor.Owner] = []
    for _ in 0..<count { silent.append(Descriptor.Owner(try Socket.connect(to: stage.endpoint))) }
    try stage.until("\(count) silent clients") { $0.loop.clients.count == before + count }
    return silent
  }

  private func expect(_ silent: Descriptor.Owner, hasEnded: Bool, _ stage: inout Stage) throws {
    for _ in 0..<10 { stage.turn() }
    #expect(Socket.hasEnded(silent.descriptor.number) == hasEnded)
  }
}
