import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `Relaying between a client and a server` {
  @Test func `a request is answered, and the next one uses both connections again`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    for _ in 0..<2 {
      #expect(try testLoop.receive(&server).hasPrefix("GET / HTTP/1.1\r\nHost: view.test\r\n"))
      server.send(ok)
      #expect(try testLoop.receive(&client, until: "ok") == ok)
      client.send(get)
    }
    #expect(try testLoop.isDeserted())
  }

  @Test(arguments: ["5\r\nhello!\r\n", "nonsense"])
  func `an answer that is wrong from the start becomes a 502, not an empty connection`(body: String) throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 502 "))
    #expect(try testLoop.receiveEnd(&client) == .closed)
  }

  @Test func `an answer that goes wrong later never ends in order`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
    #expect(try testLoop.receive(&client, until: "short").hasPrefix("HTTP/1.1 200 "))
    server.sendEnd()
    #expect(try testLoop.receiveEnd(&client) == .cut)
  }

  @Test func `an answer that a server gives before it hangs up on an upload reaches the client`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send("POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 50000\r\n\r\n")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    // The loop hears of more upload first, and writes to a connection that is reset.
    client.send(String(repeating: "x", count: 5_000))
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    server.vanish()
    #expect(try testLoop.receive(&client, until: "no").hasPrefix("HTTP/1.1 413 "))
    #expect(try testLoop.receiveEnd(&client) == .closed)
  }

  @Test func `a client that waits across a reload reaches the server that it waited for`() throws {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: ", connections: 1")
    var first = try testLoop.connect()
    var second = try testLoop.connect()
    first.send(get)
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    let chosen = try testLoop.chosenServer()
    var server = try testLoop.accept(at: chosen)
    _ = try testLoop.receive(&server)
    second.send(get)
    try testLoop.until("the second client waits") { $0.activities.contains(.queued) }
    try testLoop.reload(servers: [1 - chosen])
    server.send(ok)
    #expect(try testLoop.receive(&first, until: "ok") == ok)
    var fresh = try testLoop.accept(at: chosen)
    _ = try testLoop.receive(&fresh)
    fresh.send(ok)
    #expect(try testLoop.receive(&second, until: "ok") == ok)
  }
}
