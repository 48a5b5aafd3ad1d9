import Linux
import Testing
import Wire

@testable import Worker

/// Which client is evicted if several loops have clients. The test takes the part of the other loop.
@Suite struct `Making room at the connection limit across loops` {
  private static let settings = "pool: { idle-connections: 0 }\nlimits: { connections: 2 }"

  @Test func `an idle client is evicted only if no other loop has a silent or handshaking one`() throws {
    var testLoop = try full()
    var newcomer = try testLoop.makeClient()
    for kind in [EvictionClass.silent, .unfinished] {
      #expect(try question(&testLoop) == kind)
      #expect(testLoop.loop.clients.count == 2)
      // The request has passed every loop.
      testLoop.sharedState.mailbox(of: 0).post(.roomWanted(by: 0, kind))
    }
    try testLoop.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
    #expect(testLoop.loop.clients.count == 2)
  }

  @Test func `a waiting client is accepted as soon as another loop has made room`() throws {
    var testLoop = try full()
    var newcomer = try testLoop.makeClient()
    #expect(try question(&testLoop) == .silent)
    // A client of this loop is removed in place of the other loop's.
    testLoop.loop.remove(testLoop.loop.clients.keys[0])
    testLoop.sharedState.mailbox(of: 0).post(.roomMade)
    try testLoop.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
    #expect(testLoop.loop.clients.count == 2)
  }

  @Test func `a loop that gets no answer evicts one of its own clients`() throws {
    var testLoop = try full()
    var newcomer = try testLoop.makeClient()
    #expect(try question(&testLoop) == .silent)
    for _ in 0..<20 { testLoop.turn() }
    #expect(testLoop.loop.clients.count == 2 && !newcomer.isConnected)
    testLoop.pass(Loop.acceptPause)
    try testLoop.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
  }

  @Test func `a loop evicts a client of the requested kind, or else passes the request on`() throws {
    var testLoop = try TestLoop.make(settings: Self.settings)
    testLoop.sharedState.mailboxes.append(try Mailbox())
    var idle = try testLoop.connect()
    try serve(&idle, &testLoop)
    let silent = Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))
    try testLoop.until("a silent client is here") { $0.loop.clients.count == 2 }
    testLoop.sharedState.mailbox(of: 0).post(.roomWanted(by: 1, .unfinished))
    #expect(try question(&testLoop) == .unfinished)
    #expect(testLoop.loop.clients.count == 2)
    testLoop.sharedState.mailbox(of: 0).post(.roomWanted(by: 1, .silent))
    try testLoop.until("the silent one is gone") { $0.loop.clients.count == 1 }
    guard case .roomMade? = testLoop.sharedState.mailbox(of: 1).take(atMost: 1).first else {
      Issue.record("the loop that asked was not told")
      return
    }
    try serve(&idle, &testLoop)
    withExtendedLifetime(silent) {}
  }

  @Test func `an idle client stays if another loop takes the last place while a client is accepted`()
    throws
  {
    var testLoop = try full()
    let newcomer = Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))
    let listener = try #require(testLoop.loop.accepting.listeners.keys.first)
    var accepted: Accepted?
    while accepted == nil {
      accepted = try Socket.accept(from: testLoop.loop.accepting.listeners[listener].descriptor)
    }
    if let accepted { try testLoop.loop.admit(accepted, from: listener) }
    #expect(testLoop.loop.clients.count == 3)
    for client in kept.clients { try serve(&client.end, &testLoop) }
    // The next one asks for room.
    let next = Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))
    testLoop.loop.remove(try #require(testLoop.loop.clients.keys.max { $0.index < $1.index }))
    #expect(try question(&testLoop) == .silent)
    #expect(testLoop.loop.clients.count == 2)
    withExtendedLifetime((newcomer, next)) {}
  }

  @Test func `a loop that has ended is not asked for room, and not waited for`() throws {
    var testLoop = try full()
    #expect(testLoop.sharedState.mailbox(of: 1).close())
    testLoop.sharedState.mailboxes.append(try Mailbox())
    let newcomer = try testLoop.makeClient()
    #expect(try question(&testLoop) == .silent)
    testLoop.sharedState.mailbox(of: 0).post(.roomWanted(by: 1, .silent))
    for _ in 0..<20 { testLoop.turn() }
    #expect(testLoop.sharedState.mailbox(of: 0).take(atMost: 1).isEmpty)
    #expect(testLoop.sharedState.mailbox(of: 2).take(atMost: 1).isEmpty)
    withExtendedLifetime(newcomer) {}
  }

  /// A loop with two idle clients, which is the limit, and another loop.
  private func full() throws -> TestLoop {
    var testLoop = try TestLoop.make(settings: Self.settings)
    testLoop.sharedState.mailboxes.append(try Mailbox())
    for _ in 0..<2 {
      var client = try testLoop.connect()
      try serve(&client, &testLoop)
      kept.clients.append(TestServer.Owner(client))
    }
    return testLoop
  }

  /// Clients that stay connected for the whole test.
  private final class Kept { var clients: [TestServer.Owner] = [] }
  private let kept = Kept()

  /// The kind of client that the other loop is asked to evict.
  private func question(_ testLoop: inout TestLoop) throws -> EvictionClass? {
    var message: LoopMessage?
    try testLoop.until("the other loop is asked") {
      message = $0.sharedState.mailboxes.last?.take(atMost: 1).first
      return message != nil
    }
    guard case .roomWanted(_, let kind)? = message else { return nil }
    return kind
  }

  private func serve(_ client: inout TestServer, _ testLoop: inout TestLoop) throws {
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    server.pump()
    _ = try testLoop.receive(&client, until: "x")
  }
}
