import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"

@Suite struct `The end of connections` {
  @Test func `a client that comes in the same turn as the stop is no trap`() throws {
    var stage = try Stage.make()
    stage.loop.mailbox.post(.stop(deadline: .distantFuture))
    let client = try stage.makeClient()
    stage.turn(waiting: 1000)
    #expect(stage.loop.clients.count == 0)
    client.vanish()
  }

  @Test func `a client that shook hands while the loop stops is sent away`() throws {
    var stage = try Stage.make()
    var client = try stage.makeClient()
    try stage.until("the client is accepted") { $0.loop.clients.count == 1 }
    stage.loop.mailbox.post(.stop(deadline: .distantFuture))
    #expect(try stage.receiveEnd(&client) == .closed)
  }

  /// The last write may fill the socket to its brim, and the goodbye finds no room then.
  @Test func `a client that never reads its last bytes is not waited for`() throws {
    var stage = try Stage.make()
    var clients: [FarEnd.Owner] = []
    for size in stride(from: 20_000, to: 60_000, by: 1_000) {
      let known = Set(stage.loop.clients.keys)
      var client = try stage.makeClient()
      client.shrinkBuffers()
      try stage.until("the client connects") { _ in
        client.pump()
        return client.isConnected
      }
      let key = try #require(stage.loop.clients.keys.first { !known.contains($0) })
      shrinkBuffers(of: stage.loop.clients[key].stream.descriptor)
      client.isReading = false
      client.send("GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
      var server = try stage.accept()
      _ = try stage.receive(&server)
      server.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + String(repeating: "x", count: size))
      for _ in 0..<20 {
        server.pump()
        stage.turn()
      }
      clients.append(FarEnd.Owner(client))
    }
    let lingering = stage.loop.clients.keys.filter { stage.loop.clients[$0].phase == .lingering }
    #expect(!lingering.isEmpty)
    stage.pass(Client.lingeringTime)
    #expect(lingering.allSatisfy { !stage.loop.clients.contains($0) })
    withExtendedLifetime(clients) {}
  }
}
