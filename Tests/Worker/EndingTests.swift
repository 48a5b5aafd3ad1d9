import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"

@Suite struct `Closing connections` {
  @Test func `a client accepted in the same turn as the stop does not trap`() throws {
    var testLoop = try TestLoop.make()
    testLoop.loop.mailbox.post(.stop(deadline: .distantFuture))
    let client = try testLoop.makeClient()
    testLoop.turn(waiting: 1000)
    #expect(testLoop.loop.clients.count == 0)
    client.vanish()
  }

  @Test func `a client in its handshake is closed by a stop`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.makeClient()
    try testLoop.until("the client is accepted") { $0.loop.clients.count == 1 }
    testLoop.loop.mailbox.post(.stop(deadline: .distantFuture))
    #expect(try testLoop.receiveEnd(&client) == .closed)
  }

  /// The last write may fill the socket, and then there is no room for close_notify.
  @Test func `a client that never reads its last bytes is not waited for`() throws {
    var testLoop = try TestLoop.make()
    var clients: [TestServer.Owner] = []
    for size in stride(from: 20_000, to: 60_000, by: 1_000) {
      let known = Set(testLoop.loop.clients.keys)
      var client = try testLoop.makeClient()
      client.shrinkBuffers()
      try testLoop.until("the client connects") { _ in
        client.pump()
        return client.isConnected
      }
      let key = try #require(testLoop.loop.clients.keys.first { !known.contains($0) })
      shrinkBuffers(of: testLoop.loop.clients[key].client.side.stream.descriptor)
      client.isReading = false
      client.send("GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
      var server = try testLoop.accept()
      _ = try testLoop.receive(&server)
      server.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + String(repeating: "x", count: size))
      for _ in 0..<20 {
        server.pump()
        testLoop.turn()
      }
      clients.append(TestServer.Owner(client))
    }
    let lingering = testLoop.loop.clients.keys.filter { testLoop.loop.clients[$0].phase == .lingering }
    #expect(!lingering.isEmpty)
    testLoop.pass(ClientConnection.lingeringTime)
    #expect(lingering.allSatisfy { !testLoop.loop.clients.contains($0) })
    withExtendedLifetime(clients) {}
  }
}
