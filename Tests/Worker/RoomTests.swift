import Linux
import Testing
import Wire

@testable import Worker

/// Who makes room when there are other loops with clients of their own. The test is the other loop.
@Suite struct `Room among several loops` {
  private static let settings = "pool: { idle-connections: 0 }\nlimits: { connections: 2 }"

  @Test func `an idle client leaves only when no other loop has a silent one or an unfinished handshake`() throws {
    var stage = try full()
    var newcomer = try stage.makeClient()
    for kind in [Dispensable.silent, .unfinished] {
      #expect(try question(&stage) == kind)
      #expect(stage.loop.clients.count == 2)
      // It has come round.
      stage.fleet.mailbox(of: 0).post(.roomWanted(by: 0, kind))
    }
    try stage.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
    #expect(stage.loop.clients.count == 2)
  }

  @Test func `a newcomer is accepted as soon as another loop has made room`() throws {
    var stage = try full()
    var newcomer = try stage.makeClient()
    #expect(try question(&stage) == .silent)
    // That client of the other loop's is stood in for by one of this one's.
    stage.loop.remove(stage.loop.clients.keys[0])
    stage.fleet.mailbox(of: 0).post(.roomMade)
    try stage.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
    #expect(stage.loop.clients.count == 2)
  }

  @Test func `a loop that gets no answer has a client of its own make room`() throws {
    var stage = try full()
    var newcomer = try stage.makeClient()
    #expect(try question(&stage) == .silent)
    for _ in 0..<20 { stage.turn() }
    #expect(stage.loop.clients.count == 2 && !newcomer.isConnected)
    stage.pass(Loop.acceptPause)
    try stage.until("the newcomer is in") { _ in
      newcomer.pump()
      return newcomer.isConnected
    }
  }

  @Test func `a loop makes room for another with what was asked for, and else passes the question on`() throws {
    var stage = try Stage.make(settings: Self.settings)
    try stage.fleet.makeMailboxes(2)
    var idle = try stage.connect()
    try serve(&idle, &stage)
    let silent = Descriptor.Owner(try Socket.connect(to: stage.endpoint))
    try stage.until("a silent client is here") { $0.loop.clients.count == 2 }
    stage.fleet.mailbox(of: 0).post(.roomWanted(by: 1, .unfinished))
    #expect(try question(&stage) == .unfinished)
    #expect(stage.loop.clients.count == 2)
    stage.fleet.mailbox(of: 0).post(.roomWanted(by: 1, .silent))
    try stage.until("the silent one is gone") { $0.loop.clients.count == 1 }
    guard case .roomMade? = stage.fleet.mailbox(of: 1).take(atMost: 1).first else {
      Issue.record("the loop that asked was not told")
      return
    }
    try serve(&idle, &stage)
    withExtendedLifetime(silent) {}
  }

  /// A loop with two idle clients, which are all that may be, and another one.
  private func full() throws -> Stage {
    var stage = try Stage.make(settings: Self.settings)
    try stage.fleet.makeMailboxes(2)
    for _ in 0..<2 {
      var client = try stage.connect()
      try serve(&client, &stage)
      kept.clients.append(FarEnd.Owner(client))
    }
    return stage
  }

  /// Clients that stay as long as the test.
  private final class Kept { var clients: [FarEnd.Owner] = [] }
  private let kept = Kept()

  /// What kind of clients the other loop is asked for.
  private func question(_ stage: inout Stage) throws -> Dispensable? {
    let other = stage.fleet.mailbox(of: 1)
    try stage.until("the other loop is asked") { _ in !other.isEmpty }
    guard case .roomWanted(_, let kind)? = other.take(atMost: 1).first else { return nil }
    return kind
  }

  private func serve(_ client: inout FarEnd, _ stage: inout Stage) throws {
    client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    server.pump()
    _ = try stage.receive(&client, until: "x")
  }
}
