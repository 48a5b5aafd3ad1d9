import Balancing
import Domain
import Exchange
import Linux
import Testing
import Wire

@testable import Worker

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
private let cookie = "JSESSIONID=abc"

private func get(_ host: String, _ fields: String = "") -> String { "GET / HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n" }

@Suite struct `A request to a dedicated server` {
  private static let named = ", names: [view#.test, \"V#.test.\"]"

  /// Sends a request, lets the server answer it, and receives the answer.
  private func exchange(
    _ request: String, _ client: inout TestServer, _ server: inout TestServer, _ testLoop: inout TestLoop
  ) throws {
    client.send(request)
    #expect(try testLoop.receive(&server).hasPrefix("GET / "))
    server.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
  }

  @Test func `goes there from a connection that is assigned to another server, and keeps the assignment`() throws {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: Self.named)
    var client = try testLoop.connect()
    client.send(get("view.test"))
    try testLoop.until("a connection is being made") { $0.activities.contains(.connecting) }
    let home = try testLoop.chosenServer()
    var mine = try testLoop.accept(at: home)
    _ = try testLoop.receive(&mine)
    mine.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    let assigned = testLoop.affinity
    #expect(assigned == [home: AffinityCount(clients: 1, sessions: 1)])
    client.send(get("view\(2 - home).test"))
    var other = try testLoop.accept(at: 1 - home)
    _ = try testLoop.receive(&other)
    other.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    for host in ["VIEW\(2 - home).test:5001", "v\(2 - home).test.", "v\(2 - home).test.:443"] {
      try exchange(get("view.test"), &client, &mine, &testLoop)
      try exchange(get(host), &client, &other, &testLoop)
    }
    try exchange(get("view\(home + 1).test"), &client, &mine, &testLoop)
    #expect(testLoop.affinity == assigned)
  }

  @Test func `assigns no server, neither by address nor by cookie`() throws {
    var testLoop = try TestLoop.make(
      servers: 2, settings: "affinity: { by: [cookie JSESSIONID, client-address] }", serverSettings: Self.named)
    for server in [0, 1] {
      var client = try testLoop.connect()
      client.send(get("view\(server + 1).test", "Cookie: \(cookie)\r\n"))
      var answering = try testLoop.accept(at: server)
      _ = try testLoop.receive(&answering)
      answering.send("HTTP/1.1 200 OK\r\nSet-Cookie: \(cookie)\r\nContent-Length: 2\r\n\r\nok")
      _ = try testLoop.receive(&client, until: "ok")
    }
    #expect(testLoop.affinity == [:])
  }

  @Test func `is answered with 503 if the server is unavailable, and keeps the assignment`()
    throws
  {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: Self.named)
    var client = try testLoop.connect()
    client.send(get("view1.test"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    // The server is silent: the request could be sent to another one, and is not.
    testLoop.backend.set(.down, at: 0)
    testLoop.backend.lose(0, .silent)
    #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 503 "))
    var other = try testLoop.connect()
    other.send(get("view1.test"))
    #expect(try testLoop.receive(&other, until: "\n").hasPrefix("HTTP/1.1 503 "))
    #expect(try testLoop.isDeserted(1))
    #expect(testLoop.affinity == [:])
    testLoop.backend.set(.drain, at: 0)
    var drained = try testLoop.connect()
    drained.send(get("view1.test"))
    var draining = try testLoop.accept()
    _ = try testLoop.receive(&draining)
    draining.send(ok)
    #expect(try testLoop.receive(&drained, until: "ok") == ok)
  }

  @Test func `is retried there and nowhere else`() throws {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: Self.named)
    var client = try testLoop.connect()
    client.send(get("view2.test"))
    for _ in 0...3 {
      var server = try testLoop.accept(at: 1)
      _ = try testLoop.receive(&server)
      server.vanish()
    }
    #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 502 "))
    #expect(try testLoop.isDeserted(0))
  }

  @Test func `waits for a place there only`() throws {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: Self.named + ", connections: 1")
    var first = try testLoop.connect()
    var second = try testLoop.connect()
    var third = try testLoop.connect()
    first.send(get("view1.test"))
    var server = try testLoop.accept()
    _ = try testLoop.receive(&server)
    second.send(get("view1.test"))
    try testLoop.until("the second client waits") { $0.activities.contains(.queued) }
    server.send(ok)
    #expect(try testLoop.receive(&first, until: "ok") == ok)
    _ = try testLoop.receive(&server)
    third.send(get("view1.test"))
    try testLoop.until("the third client waits") { $0.activities.contains(.queued) }
    testLoop.backend.set(.maintenance, at: 0)
    #expect(try testLoop.receive(&third, until: "\n").hasPrefix("HTTP/1.1 503 "))
    #expect(try testLoop.isDeserted(1))
    server.send(ok)
    #expect(try testLoop.receive(&second, until: "ok") == ok)
    #expect(testLoop.backend.servers[0].occupancy == (active: 0, waiting: 0))
  }

  @Test func `follows the newest configuration of names, also on an older connection`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    var client = try testLoop.connect()
    for server in [0, 1] {
      try testLoop.reload(servers: [server], settings: "", serverSettings: ", names: other.test")
      client.send(get("other.test"))
      var answering = try testLoop.accept(at: server)
      _ = try testLoop.receive(&answering)
      answering.send(ok)
      #expect(try testLoop.receive(&client, until: "ok") == ok)
    }
    try testLoop.reload(servers: [1], settings: "", serverSettings: "")
    client.send(get("other.test"))
    #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 421 "))
  }

  @Test func `by port goes there, whatever Host and cookie say`() throws {
    var testLoop = try TestLoop.make(
      servers: 2, settings: "affinity: { by: [cookie JSESSIONID, client-address] }",
      serverSettings: Self.named + ", ports: 6000#")
    let ports = try [60001, 60002].map { try testLoop.listen(as: $0) }
    for (server, port) in ports.enumerated() {
      var client = try testLoop.connect(to: port)
      client.send(get("view\(2 - server).test", "Cookie: \(cookie)\r\n"))
      var answering = try testLoop.accept(at: server)
      _ = try testLoop.receive(&answering)
      answering.send(ok)
      #expect(try testLoop.receive(&client, until: "ok") == ok)
      try exchange(get("view.test"), &client, &answering, &testLoop)
      testLoop.backend.set(.down, at: server)
      client.send(get("view\(2 - server).test"))
      #expect(try testLoop.receive(&client, until: "\n").hasPrefix("HTTP/1.1 503 "))
    }
    #expect(testLoop.affinity == [:])
  }

  @Test func `by port is passed through there, or closed`() throws {
    var testLoop = try TestLoop.make(servers: 2, serverSettings: ", ports: 6000#", isPassthrough: true)
    let ports = try [60001, 60002].map { try testLoop.listen(as: $0) }
    for (server, port) in ports.enumerated() {
      var client = try testLoop.connect(to: port)
      client.send("hello")
      var answering = try testLoop.accept(at: server)
      #expect(try testLoop.receive(&answering, until: "hello") == "hello")
      answering.send("world")
      #expect(try testLoop.receive(&client, until: "world") == "world")
      testLoop.backend.set(.down, at: server)
      var late = try testLoop.connect(to: port)
      late.send("hello")
      #expect(try testLoop.receiveEnd(&late) != nil)
    }
    #expect(testLoop.affinity == [:])
    #expect(try testLoop.isDeserted(0) && testLoop.isDeserted(1))
  }

  @Test func `follows the newest configuration of ports`() throws {
    var testLoop = try TestLoop.make(servers: 2)
    var client = try testLoop.connect(to: testLoop.listen(as: 60001))
    for server in [0, 1] {
      try testLoop.reload(servers: [server], settings: "", serverSettings: ", ports: 60001")
      client.send(get("view.test"))
      var answering = try testLoop.accept(at: server)
      _ = try testLoop.receive(&answering)
      answering.send(ok)
      #expect(try testLoop.receive(&client, until: "ok") == ok)
    }
    #expect(testLoop.affinity == [:])
    // Without the port it is an ordinary client.
    try testLoop.reload(servers: [0], settings: "", serverSettings: "")
    client.send(get("view.test"))
    var home = try testLoop.accept(at: 0)
    _ = try testLoop.receive(&home)
    home.send(ok)
    #expect(try testLoop.receive(&client, until: "ok") == ok)
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 1)])
  }
}
