import Exchange
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
}
