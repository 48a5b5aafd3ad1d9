import Balancing
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let get = "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
private let post = "POST / HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\nbody"
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite struct `The server of a client` {
  @Test func `is the one that answered, not the first attempt's`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    var client = try testLoop.connect()
    client.send(get)
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    let chosen = try testLoop.chosenServer()
    var server = try testLoop.accept(at: chosen)
    _ = try testLoop.receive(&server)
    #expect(testLoop.affinity == [:])
    server.vanish()
    var other = try testLoop.accept(at: 1 - chosen)
    _ = try testLoop.receive(&other)
    #expect(testLoop.affinity == [:])
    other.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(testLoop.affinity == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    // The same connection goes on there, and counts once.
    client.send(get)
    _ = try testLoop.receive(&other)
    other.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(testLoop.affinity == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    client.vanish()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(testLoop.affinity == [1 - chosen: AffinityCount(clients: 1, sessions: 0)])
    // A returning client counts from the start, and moves only when another server answers.
    client = try testLoop.connect()
    client.send(get)
    _ = try testLoop.receive(&other)
    #expect(testLoop.affinity == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    // A reused connection is first replaced by a new one.
    other.vanish()
    var anew = try testLoop.accept(at: 1 - chosen)
    _ = try testLoop.receive(&anew)
    anew.vanish()
    server = try testLoop.accept(at: chosen)
    _ = try testLoop.receive(&server)
    #expect(testLoop.affinity == [1 - chosen: AffinityCount(clients: 1, sessions: 1)])
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(testLoop.affinity == [chosen: AffinityCount(clients: 1, sessions: 1)])
  }

  @Test func `is held for its address while its requests are routed by cookie`() throws {
    var testLoop = try TestLoop.make(settings: "affinity: { by: [cookie JSESSIONID, client-address], hold: 10m }\n")
    let login = "HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=1\r\nContent-Length: 2\r\n\r\nok"
    let known = "GET / HTTP/1.1\r\nHost: view.test\r\nCookie: JSESSIONID=1\r\n\r\n"
    for (request, answer) in [(get, login), (known, ok), (known, ok)] {
      var client = try testLoop.connect()
      client.send(request)
      var server = try testLoop.accept()
      _ = try testLoop.receive(&server)
      server.send(answer)
      #expect(try testLoop.receive(&client, until: "ok") == answer)
      // The address and the cookie.
      #expect(testLoop.affinity[0]?.clients == 2)
      client.vanish()
      try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
      testLoop.pass(.minutes(7))
    }
    #expect(testLoop.affinity == [0: AffinityCount(clients: 2, sessions: 0)])
  }

  @Test func `is not assigned by the proxy's own answers`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(post)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server, until: "body")
    server.vanish()
    #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 502 "))
    #expect(testLoop.affinity == [:])
  }

  @Test func `is not assigned by an interim answer`() throws {
    var testLoop = try TestLoop.make()
    var client = try testLoop.connect()
    client.send(get)
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    server.send("HTTP/1.1 102 Processing\r\n\r\n")
    _ = try testLoop.receive(&client)
    #expect(testLoop.affinity == [:])
    server.send(ok)
    _ = try testLoop.receive(&client, until: "ok")
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 1)])
  }

  @Test func `is assigned by the server's first byte in pass-through mode`() throws {
    var testLoop = try TestLoop.make(isPassthrough: true)
    var client = try testLoop.makeClient()
    client.send("hello")
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server, until: "hello")
    #expect(testLoop.affinity == [:])
    server.send("world")
    _ = try testLoop.receive(&client, until: "world")
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 1)])
    client.vanish()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
  }
}

extension TestLoop {
  /// The number of clients assigned to each server, by index.
  var affinity: [Int: AffinityCount] {
    let tally = backend.affinity.tally(at: now)
    var affinity: [Int: AffinityCount] = [:]
    for (index, server) in backend.servers.enumerated() {
      if let count = tally[server.id], count != AffinityCount() { affinity[index] = count }
    }
    return affinity
  }
}
