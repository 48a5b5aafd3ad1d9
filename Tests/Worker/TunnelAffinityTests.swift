import Balancing
import Domain
import Linux
import Testing
import Wire

@testable import Worker

private let login = "POST /broker/xml HTTP/1.1\r\nHost: view.test\r\nContent-Length: 4\r\n\r\n<a/>"
private let type = "Content-Type: text/xml;charset=UTF-8\r\n"
private let xml = "<tunnel-connection><connection-id>3F25</connection-id></tunnel-connection>"

private func tunnel(_ target: String = "tunnel?3F25") -> String {
  "POST /ice/\(target) HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: chunked\r\n\r\n"
}

private func answer(_ body: String, _ fields: String = type, status: Int = 200) -> String {
  "HTTP/1.1 \(status) OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

private let stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

@Suite struct `The server of a tunnel` {
  private let recorded = RecordedLog()

  /// The log lines about answers.
  private var complaints: [String] { recorded.lines.filter { $0.contains("/broker/xml") } }

  /// Two servers: the second gets no new clients, so that the first is chosen.
  private func make(_ settings: String = "affinity: { by: tunnel }") throws -> TestLoop {
    let testLoop = try TestLoop.make(servers: 2, settings: settings, log: recorded.log)
    testLoop.backend.set(.drain, at: 1)
    return testLoop
  }

  /// Asks the first server, which answers with these bytes, one after the other, each of which is passed on at once as
  /// it is.
  private func logIn(_ pieces: [String], request: String = login, _ testLoop: inout TestLoop) throws {
    var client = try testLoop.connect()
    client.send(request)
    var server = try testLoop.accept(at: 0)
    _ = try testLoop.receive(&server, until: String(request.suffix(4)))
    for piece in pieces {
      server.send(piece)
      #expect(try testLoop.receive(&client, until: String(piece.suffix(4))) == piece)
    }
    client.vanish()
    server.vanish()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  /// From now on new clients go to the second server, known ones to the first.
  private func turn(_ testLoop: borrowing TestLoop) {
    testLoop.backend.set(.drain, at: 0)
    testLoop.backend.set(.up, at: 1)
  }

  /// Opens a tunnel, and expects it at this server.
  private func open(_ request: String, at index: Int, _ testLoop: inout TestLoop) throws {
    var client = try testLoop.connect()
    client.send(request)
    var server = try testLoop.accept(at: index)
    _ = try testLoop.receive(&server)
    server.send(stream)
    #expect(try testLoop.receive(&client) == stream)
    client.vanish()
    server.vanish()
    try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
  }

  @Test func `is the one that issued its connection ID, while the tunnel is open and for the hold time`() throws {
    var testLoop = try make()
    let whole = answer(xml)
    let place = whole.index(whole.firstRange(of: "3F25")?.lowerBound ?? whole.endIndex, offsetBy: 2)
    try logIn([String(whole[..<place]), String(whole[place...])], &testLoop)
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
    turn(testLoop)
    for target in ["tunnel?3F25", "reconnect?3F25&s3cret", "reconnect?3F25&another"] {
      var client = try testLoop.connect()
      client.send(tunnel(target))
      var server = try testLoop.accept(at: 0)
      _ = try testLoop.receive(&server)
      #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 1)])
      server.send(stream)
      #expect(try testLoop.receive(&client) == stream)
      client.vanish()
      server.vanish()
      try testLoop.until("the client is gone") { $0.loop.clients.count == 0 }
      #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
    }
  }

  @Test(arguments: ["tunnel?3F26", "tunnel?3f25", "tunnel", "reconnect?3F2&5", "tunnels?3F25", "x?3F25"])
  func `is chosen as for any client if its ID is unknown`(target: String) throws {
    var testLoop = try make()
    try logIn([answer(xml)], &testLoop)
    turn(testLoop)
    try open(tunnel(target), at: 1, &testLoop)
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
  }

  @Test func `does not change the assignment of its client's address`() throws {
    var testLoop = try make("affinity: { by: [tunnel, cookie JSESSIONID, client-address] }")
    try logIn([answer(xml, type + "Set-Cookie: JSESSIONID=a\r\n")], &testLoop)
    // By the address, by the cookie, and by the ID.
    #expect(testLoop.affinity == [0: AffinityCount(clients: 3, sessions: 0)])
    turn(testLoop)
    testLoop.backend.set(.down, at: 0)
    try open("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n", at: 1, &testLoop)
    testLoop.backend.set(.up, at: 0)
    try open(tunnel(), at: 0, &testLoop)
    try open("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n", at: 1, &testLoop)
    #expect(
      testLoop.affinity == [0: AffinityCount(clients: 2, sessions: 0), 1: AffinityCount(clients: 1, sessions: 0)])
  }

  @Test func `is another one while it is down, and the original after it returns`() throws {
    var testLoop = try make()
    try logIn([answer(xml)], &testLoop)
    turn(testLoop)
    testLoop.backend.set(.down, at: 0)
    try open(tunnel(), at: 1, &testLoop)
    testLoop.backend.set(.up, at: 0)
    try open(tunnel(), at: 0, &testLoop)
  }

  @Test func `is another one if it does not answer, as for other requests`() throws {
    var testLoop = try make()
    try logIn([answer(xml)], &testLoop)
    testLoop.backend.set(.up, at: 1)
    var client = try testLoop.connect()
    client.send("GET /ice/tunnel?3F25 HTTP/1.1\r\nHost: view.test\r\n\r\n")
    var server = try testLoop.accept(at: 0)
    _ = try testLoop.receive(&server)
    server.vanish()
    var other = try testLoop.accept(at: 1)
    _ = try testLoop.receive(&other)
  }

  @Test(arguments: [
    [
      "HTTP/1.1 200 OK\r\n\(type)Transfer-Encoding: chunked\r\n\r\n", "e\r\n<connection-id", "\r\n3 ", ";", "a=b\r\n>",
      "3F\r\n", "4\r\n25</\r\n0\r\n\r\n",
    ],
    ["HTTP/1.1 103 Early Hints\r\n\r\n", answer(xml)],
    ["HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: identity\r\n\r\n\(xml)"],
  ])
  func `is learned from an answer of any framing`(pieces: [String]) throws {
    var testLoop = try make()
    var client = try testLoop.connect()
    client.send(login)
    var server = try testLoop.accept(at: 0)
    _ = try testLoop.receive(&server, until: "<a/>")
    for piece in pieces {
      server.send(piece)
      try testLoop.until("\(piece.debugDescription) is passed on") { _ in
        client.pump()
        return !client.take().isEmpty
      }
    }
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
  }

  @Test func `is learned from a request to a dedicated server as well`() throws {
    var testLoop = try TestLoop.make(
      servers: 2, settings: "affinity: { by: tunnel }", serverSettings: ", names: view#.test")
    try logIn([answer(xml)], request: login.replacing("view.test", with: "view1.test"), &testLoop)
    testLoop.backend.set(.drain, at: 0)
    try open(tunnel(), at: 0, &testLoop)
  }

  @Test func `is learned although the request was forwarded long before the answer`() throws {
    var testLoop = try make()
    let size = 200_000
    let head = "POST /broker/xml HTTP/1.1\r\nHost: view.test\r\nContent-Length: \(size)\r\n\r\n"
    try logIn([answer(xml)], request: head + String(repeating: "a", count: size - 4) + "<b/>", &testLoop)
    #expect(testLoop.affinity == [0: AffinityCount(clients: 1, sessions: 0)])
  }

  @Test(arguments: [
    (login, answer(xml, status: 403)), (login, answer(xml.replacing("-id", with: "-ib"))),
    (login.replacing("/xml", with: "/xmls"), answer(xml)), (login.replacing("/broker", with: "//broker"), answer(xml)),
  ])
  func `is learned from no other answer`(request: String, answer: String) throws {
    var testLoop = try make()
    try logIn([answer], request: request, &testLoop)
    #expect(testLoop.affinity == [:])
    #expect(complaints == [])
  }

  @Test(arguments: [
    (type + "Content-Encoding: gzip\r\n", "it has a Content-Encoding"),
    ("Content-Type: text/html\r\n", "its Content-Type is not text/xml"), ("", "its Content-Type is not text/xml"),
  ])
  func `is not learned from an unreadable answer, which is logged once a day and after a reload`(
    fields: String, reason: String
  ) throws {
    var testLoop = try make()
    let line = "warning server view01: `tunnel` can't read a response to /broker/xml: \(reason)"
    for _ in 0..<3 { try logIn([answer(xml, fields)], &testLoop) }
    #expect(testLoop.affinity == [:])
    #expect(complaints == [line])
    testLoop.pass(.hours(25))
    try logIn([answer(xml, fields)], &testLoop)
    #expect(complaints.last == line + " (and 2 failures more since the last line)")
    try testLoop.reload(servers: [0, 1])
    testLoop.backend.set(.drain, at: 1)
    try logIn([answer(xml, fields)], &testLoop)
    #expect(complaints.dropFirst(2) == [line])
  }

  @Test func `is not learned if the configuration does not ask for it`() throws {
    var testLoop = try make("affinity: { by: cookie JSESSIONID }")
    for answer in [answer(xml), answer(xml, "")] { try logIn([answer], &testLoop) }
    #expect(testLoop.affinity == [:])
    #expect(complaints == [])
  }
}
