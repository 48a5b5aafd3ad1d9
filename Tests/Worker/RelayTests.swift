import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `Relaying between a client and a server` {
  @Test func `a request is answered, and the next one uses both connections again`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    for _ in 0..<2 {
      #expect(try stage.receive(&server).hasPrefix("GET / HTTP/1.1\r\nHost: view.test\r\n"))
      server.send(ok)
      #expect(try stage.receive(&client, until: "ok") == ok)
      client.send(get)
    }
    #expect(try stage.isDeserted())
  }

  @Test(arguments: ["5\r\nhello!\r\n", "nonsense"])
  func `an answer that is wrong from the start becomes a 502, not an empty connection`(body: String) throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    #expect(try stage.receive(&client, until: "\n").hasPrefix("HTTP/1.1 502 "))
    #expect(try stage.receiveEnd(&client) == .closed)
  }

  @Test func `an answer that goes wrong later never ends in order`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send(get)
    var server = try stage.accept()
    _ = try stage.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
    #expect(try stage.receive(&client, until: "short").hasPrefix("HTTP/1.1 200 "))
    server.sendEnd()
    #expect(try stage.receiveEnd(&client) == .cut)
  }

  @Test func `an answer that a server gives before it hangs up on an upload reaches the client`() throws {
    var stage = try Stage.make()
    var client = try stage.connect()
    client.send("POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 50000\r\n\r\n")
    var server = try stage.accept()
    _ = try stage.receive(&server)
    // The loop hears of more upload first, and writes to a connection that is reset.
    client.send(String(repeating: "x", count: 5_000))
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    server.vanish()
    #expect(try stage.receive(&client, until: "no").hasPrefix("HTTP/1.1 413 "))
    #expect(try stage.receiveEnd(&client) == .closed)
  }

  @Test func `a client that waits across a reload reaches the server that it waited for`() throws {
    var stage = try Stage.make(servers: 2, serverSettings: ", connections: 1")
    var first = try stage.connect()
    var second = try stage.connect()
    first.send(get)
    try stage.until("a connection is being made") { $0.phases.contains(.connecting) }
    let chosen = try #require(stage.loop.clients.keys.compactMap { stage.loop.clients[$0].server }.first)
    var server = try stage.accept(at: chosen)
    _ = try stage.receive(&server)
    second.send(get)
    try stage.until("the second client waits") { $0.phases.contains(.queued) }
    try stage.reload(servers: [1 - chosen])
    server.send(ok)
    #expect(try stage.receive(&first, until: "ok") == ok)
    var fresh = try stage.accept(at: chosen)
    _ = try stage.receive(&fresh)
    fresh.send(ok)
    #expect(try stage.receive(&second, until: "ok") == ok)
  }
}
