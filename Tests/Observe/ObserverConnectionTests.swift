import Simulation
import Testing
import Wire

@testable import Observe

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }
private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private let request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
private let answer = ObserverAnswer.ok(bytes("up 1\n"), as: "text/plain")

/// A connection, and what its client gets.
private struct Client {
  var connection = ObserverConnection(at: at(0))
  var requests: [ObserverRequest] = []
  var received = ""

  /// Sends this, and reads what is answered, so many bytes at a time.
  mutating func send(_ text: String, reading count: Int = .max, at now: Instant = at(1)) {
    var rest = bytes(text)[...]
    while connection.state != .over {
      var asked: ObserverRequest?
      let output = connection.output.prefix(count)
      if !output.isEmpty {
        received += String(decoding: output, as: UTF8.self)
        asked = connection.handle(.sent(output.count), at: now)
      } else {
        let part = rest.prefix(connection.room)
        if part.isEmpty { return }
        rest = rest.dropFirst(part.count)
        asked = connection.handle(.received(Array(part)), at: now)
      }
      if let asked {
        requests.append(asked)
        _ = connection.handle(.answered(answer), at: now)
      }
    }
  }

  /// The status codes of the answers.
  var codes: [Substring] { received.matches(of: /HTTP\/1\.1 (\d+)\b/).map(\.output.1) }
}

@Suite struct `A connection of the observer` {
  @Test func `answers requests one after the other, pipelined or byte by byte`() {
    var client = Client()
    client.send(request + request, reading: 7)
    for byte in request { client.send(String(byte)) }
    #expect(client.codes == ["200", "200", "200"])
    #expect(client.requests == Array(repeating: ObserverRequest(path: "/metrics"), count: 3))
    #expect(client.connection.state == .idle)
  }

  @Test func `reads what an answer depends on, whatever the case of the names`() {
    var client = Client()
    client.send("HEAD /x?y=1 HTTP/1.1\r\nhOST: x\r\naccept: a\r\nACCEPT:  b \r\nAuthorization: Bearer t:u\r\n\r\n")
    var expected = ObserverRequest(path: "/x")
    (expected.isHead, expected.accept, expected.authorization) = (true, "a, b", "Bearer t:u")
    #expect(client.requests == [expected])
    #expect(client.received.hasSuffix("\r\n\r\n"))
    #expect(client.received.contains("Content-Length: 5\r\n"))
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET /\r\n\r\n", "400"), ("GET / HTTP/1.1\nHost: x\n\n", "400"),
    ("GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", "400"), ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505"),
    ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405"), ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "405"),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "405"),
    ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "400"),
    ("GET /\(String(repeating: "x", count: 2000)) HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
    ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "x", count: 9000))\r\n\r\n", "431"),
    ("GET / HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 100))Host: x\r\n\r\n", "431"),
  ])
  func `refuses other messages, reads no further request, and drains`(_ text: String, _ code: String) {
    var client = Client()
    client.send(text + request)
    #expect(client.codes == [Substring(code)])
    #expect(client.received.contains("Connection: close\r\n"))
    #expect(client.requests.isEmpty)
    #expect(client.connection.state == .draining)
    _ = client.connection.handle(.ended, at: at(2))
    #expect(client.connection.state == .over)
  }

  @Test func `closes after an answer where the client wants it (RFC 9112 §9.3)`() {
    var client = Client()
    client.send("GET / HTTP/1.0\r\n\r\n")
    #expect(client.codes == ["200"] && client.connection.state == .draining)
  }

  @Test func `a client that has closed its direction gets its answers`() {
    var connection = ObserverConnection(at: at(0))
    _ = connection.handle(.received(bytes(request)), at: at(0))
    _ = connection.handle(.ended, at: at(0))
    _ = connection.handle(.answered(answer), at: at(0))
    #expect(!connection.output.isEmpty)
    while !connection.output.isEmpty { _ = connection.handle(.sent(connection.output.count), at: at(0)) }
    #expect(connection.state == .over)
  }

  @Test(arguments: ["HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"])
  func `a refused HEAD has no body (RFC 9110 §9.3.2)`(_ text: String) {
    var client = Client()
    client.send(text)
    #expect(client.codes == ["400"])
    #expect(client.received.hasSuffix("\r\n\r\n"))
  }

  @Test func `connections with the same answer share its body`() {
    func place(_ bytes: ArraySlice<UInt8>) -> UInt? {
      // SAFETY: the address is compared, and nothing is read there.
      unsafe bytes.withUnsafeBytes { unsafe $0.baseAddress.map { UInt(bitPattern: $0) } }
    }
    let large = ObserverAnswer.ok(Array(repeating: 0, count: 1 << 20), as: "text/plain")
    let places = (0..<3).map { _ in
      var connection = ObserverConnection(at: at(0))
      _ = connection.handle(.received(bytes(request)), at: at(0))
      _ = connection.handle(.answered(large), at: at(0))
      _ = connection.handle(.sent(connection.output.count), at: at(0))
      return place(connection.output)
    }
    #expect(places[0] != nil && Set(places).count == 1)
  }

  @Test func `answers a request without TLS once, and reads no other`() {
    var connection = ObserverConnection(isSecure: true, at: at(0))
    _ = connection.handle(.plain, at: at(1))
    var sent: [UInt8] = []
    while !connection.output.isEmpty {
      sent += connection.output
      _ = connection.handle(.sent(connection.output.count), at: at(1))
    }
    let text = String(decoding: sent, as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && text.hasSuffix("this port speaks TLS: use https\n"))
    #expect(connection.state == .draining)
    #expect(connection.handle(.received(bytes(request)), at: at(1)) == nil && connection.output.isEmpty)
    _ = connection.handle(.timer, at: at(3))
    #expect(connection.state == .over)
  }

  @Test func `a request is read after the TLS handshake, which has a time limit of its own`() {
    var connection = ObserverConnection(isSecure: true, at: at(0))
    #expect(connection.state == .securing && connection.room == 0 && connection.output.isEmpty)
    #expect(connection.deadline == at(5))
    var slow = connection
    _ = slow.handle(.timer, at: at(5))
    #expect(slow.state == .over)
    var gone = connection
    _ = gone.handle(.ended, at: at(1))
    #expect(gone.state == .over)
    // It makes room like one that has asked nothing.
    #expect(connection.evictionRank == ObserverConnection(at: at(0)).evictionRank)
    _ = connection.handle(.secured, at: at(4))
    #expect(connection.state == .idle && connection.deadline == at(79))
    #expect(connection.handle(.received(bytes(request)), at: at(5)) == ObserverRequest(path: "/metrics"))
  }

  @Test func `nothing is read while an answer is sent`() {
    var connection = ObserverConnection(at: at(0))
    _ = connection.handle(.received(bytes(request)), at: at(0))
    #expect(connection.room == 0)
    _ = connection.handle(.answered(answer), at: at(0))
    #expect(connection.room == 0)
  }

  @Test func `each state has its time limit, which progress does not extend`() {
    var idle = ObserverConnection(at: at(0))
    var reading = idle
    _ = reading.handle(.received(bytes("GET ")), at: at(10))
    _ = reading.handle(.received(bytes("/")), at: at(13))
    var writing = idle
    _ = writing.handle(.received(bytes(request)), at: at(0))
    _ = writing.handle(.answered(answer), at: at(0))
    _ = writing.handle(.sent(1), at: at(29))
    #expect([idle.deadline, reading.deadline, writing.deadline] == [at(75), at(15), at(30)])
    for (machine, end) in [(idle, 75), (reading, 15), (writing, 30)] as [(ObserverConnection, UInt64)] {
      var connection = machine
      _ = connection.handle(.timer, at: at(end - 1))
      #expect(connection.state != .over)
      _ = connection.handle(.timer, at: at(end))
      #expect(connection.state == .over)
    }
    _ = idle.handle(.failed, at: at(1))
    #expect(idle.state == .over)
  }

  @Test func `the oldest without a whole request makes room first, and a new one last of these`() {
    let idle = ObserverConnection(at: at(4))
    var reading = ObserverConnection(at: at(2))
    _ = reading.handle(.received(bytes("GET ")), at: at(3))
    // When a part of the request came makes no difference.
    var older = ObserverConnection(at: at(1))
    _ = older.handle(.received(bytes("GET ")), at: at(6))
    var writing = ObserverConnection(at: at(0))
    _ = writing.handle(.received(bytes(request)), at: at(0))
    _ = writing.handle(.answered(answer), at: at(0))
    let order = [writing, reading, older, idle].sorted { $0.evictionRank < $1.evictionRank }.map(\.since)
    #expect(order == [at(6), at(3), at(4), at(0)])
  }

  @Test(arguments: 1...300)
  func `any bytes in any pieces end in a state, and memory is bounded`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var connection = ObserverConnection(at: at(0))
    var now: UInt64 = 0
    for _ in 0..<200 as Range<Int> {
      let pieces = [request, "GET / HT", "\r\n", "Host: x\r\n", "\r\n\r\n", "x: y\r\n"]
      var text = bytes(pieces.randomElement(using: &random) ?? "")
      if !text.isEmpty, Int.random(in: 0..<4, using: &random) == 0 {
        text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let event: ObserverConnection.Event =
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6: .received(Array(text.prefix(connection.room)))
        case 6: .answered(answer)
        case 7: .sent(connection.output.count)
        case 8: .sent(min(3, connection.output.count))
        case 9: .timer
        case 10: .ended
        default: .timer
        }
      now += UInt64.random(in: 0...2, using: &random)
      _ = connection.handle(event, at: at(now))
      #expect(connection.output.count < 1000)
    }
  }
}
