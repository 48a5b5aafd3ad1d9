import Glibc
import Linux
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `The listeners of a loop` {
  private let here = IPAddress(v4: 0x7f00_0001)

  /// A UDP port of the server, and a listener that the loop treats as one on the same port.
  private struct Relay: ~Copyable {
    var testLoop: TestLoop
    let server: Descriptor
    let identity: ListenerIdentity
    let endpoint: Endpoint

    var flowCount: Int { testLoop.loop.datagrams.flows.count }
  }

  private func makeRelay(isBlocked: Bool = false) throws -> Relay {
    let anyPort = Endpoint(address: here, port: 0)
    let server = try DatagramSocket.listen(on: anyPort)
    let identity = ListenerIdentity(purpose: .datagrams, endpoint: try Socket.localEndpoint(of: server.number), loop: 0)
    var testLoop = try TestLoop.make(settings: "relay: { udp: \(identity.endpoint.port) }", isPassthrough: true)
    let listener = try DatagramSocket.listen(on: anyPort)
    let endpoint = try Socket.localEndpoint(of: listener.number)
    // A descriptor can't be registered twice.
    if isBlocked { try testLoop.loop.context.poller.watchLevel(listener, token: Token(.mailbox).rawValue) }
    testLoop.loop.add(HandedListener(identity: identity, descriptor: listener))
    testLoop.sharedState.post(.serve)
    testLoop.turn()
    return Relay(testLoop: testLoop, server: server, identity: identity, endpoint: endpoint)
  }

  private func send(to endpoint: Endpoint) throws -> Descriptor.Owner {
    let client = Descriptor.Owner(try DatagramSocket.connect(to: endpoint))
    var byte: UInt8 = 1
    #expect(unsafe Glibc.send(client.descriptor.number, &byte, 1, 0) == 1)
    return client
  }

  @Test func `end a bounded number of flows in a turn when they are removed or their server answers`() throws {
    var relay = try makeRelay()
    let clients = try (0..<Loop.closingsPerTurn + 50).map { _ in try send(to: relay.endpoint) }
    let (server, count) = (relay.server.number, clients.count)
    try relay.testLoop.until("all flows") { $0.loop.datagrams.flows.count == count }
    let rollout = SnapshotRollout(
      try relay.testLoop.snapshot(of: [0]), listeners: [], withdrawn: [relay.identity], loops: 1
    ) {}
    relay.testLoop.loop.adopt(rollout)
    #expect(relay.testLoop.loop.datagrams.listeners.count == 0)
    #expect(relay.flowCount == count)
    var batch = DatagramBatch()
    let received = try batch.receive(from: server)
    for index in 0..<received {
      guard let ends = batch.ends(at: index) else { continue }
      _ = batch.send(index..<index + 1, on: server, between: (ends, .v4))
    }
    relay.testLoop.turn()
    #expect(received == DatagramBatch.most)
    let left = count - Loop.closingsPerTurn
    #expect(left - received...left ~= relay.flowCount)
    try relay.testLoop.until("the end of all flows") { $0.loop.datagrams.flows.count == 0 }
  }

  @Test func `leave time for others while many flows begin`() throws {
    var relay = try makeRelay()
    let clients = try (0..<100).map { _ in try send(to: relay.endpoint) }
    relay.testLoop.turn()
    #expect(1..<DatagramRelay.flowsPerTurn + DatagramBatch.most ~= relay.flowCount)
    try relay.testLoop.until("a flow of each client") { $0.loop.datagrams.flows.count == clients.count }
  }

  @Test func `one for datagrams that could not be registered is retried`() throws {
    var relay = try makeRelay(isBlocked: true)
    let key = relay.testLoop.loop.datagrams.listeners.keys[0]
    relay.testLoop.loop.context.poller.forget(relay.testLoop.loop.datagrams.listeners[key].descriptor)
    let client = try send(to: relay.endpoint)
    relay.testLoop.turn(waiting: 20)
    #expect(relay.flowCount == 0)
    relay.testLoop.pass(LoopFigures.interval)
    try relay.testLoop.until("a flow") { $0.loop.datagrams.flows.count == 1 }
    withExtendedLifetime(client) {}
  }

  @Test func `one for connections that could not be registered is retried`() throws {
    var testLoop = try TestLoop.make()
    let listener = try Socket.listen(on: Endpoint(address: here, port: 0))
    let endpoint = try Socket.localEndpoint(of: listener.number)
    try testLoop.loop.context.poller.watchLevel(listener, token: Token(.mailbox).rawValue)
    testLoop.loop.add(
      HandedListener(identity: ListenerIdentity(purpose: .service, endpoint: endpoint, loop: 0), descriptor: listener))
    testLoop.pass(Loop.acceptPause)
    _ = try testLoop.connect(to: endpoint)
  }
}
