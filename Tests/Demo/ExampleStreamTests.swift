import Domain
import TLS
import Testing

@testable import Demo

/// Streams in both directions, and the end of a server, through TLS.
@Suite struct ExampleStreamTests {
  let example: TestExample

  init() throws { example = try TestExample() }

  static let tunnel = "POST /ice/tunnel?1234 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

  @Test func `a tunnel is answered before its request has sent a chunk`() throws {
    var client = try example.connect()
    try client.send(Self.tunnel)
    let head = try client.head()
    #expect(head.status == 200)
    #expect(head.field("Transfer-Encoding") == "chunked")
  }

  @Test func `each chunk of a tunnel is echoed at once, as one chunk`() throws {
    var client = try example.connect()
    try client.send(Self.tunnel)
    _ = try client.head()
    // One chunk in one write.
    try client.send("5\r\nhello\r\n")
    #expect(try client.chunk() == Array("hello".utf8))
    // Two chunks in one write.
    try client.send("1\r\na\r\n2\r\nbc\r\n")
    #expect(try client.chunk() == Array("a".utf8))
    #expect(try client.chunk() == Array("bc".utf8))
    // One chunk in many writes.
    for byte in "00b\r\n01234\r\n6789\r\n".utf8 { try client.send([byte]) }
    #expect(try client.chunk() == Array("01234\r\n6789".utf8))
    // A chunk of several records.
    let long = (0..<100_000).map { UInt8($0 % 251) }
    try client.send(Array("186a0\r\n".utf8) + long + [13, 10])
    #expect(try client.chunk() == long)
    // The end, after which the connection goes on.
    try client.send("0\r\n\r\nGET /bytes/3 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(try client.chunk() == nil)
    #expect(try client.answer().body == [0, 1, 2])
  }

  @Test func `a tunnel with invalid chunks is cut off without a last chunk`() throws {
    var client = try example.connect()
    try client.send(Self.tunnel)
    _ = try client.head()
    try client.send("zz\r\n")
    #expect(throws: DemoError.self) { try client.take(1) }
  }

  @Test func `a WebSocket echoes every message and closes with a close frame`() throws {
    var client = try example.connect()
    try client.send(
      "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    let head = try client.head()
    #expect(head.status == 101)
    #expect(head.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    for message in [Array("Hello".utf8), [], Array(WebSocketEchoTests.long)] {
      try client.send(WebSocketEchoTests.frame(.binary, message))
      let expected = WebSocketEchoTests.answer(.binary, message)
      #expect(try client.take(expected.count) == expected)
    }
    try client.send(WebSocketEchoTests.frame(.close, [0x03, 0xE8]))
    #expect(try client.take(4) == WebSocketEchoTests.answer(.close, [0x03, 0xE8]))
    #expect(try client.isAtEnd())
  }

  @Test func `a killed server resets its connections, and returns on its port`() throws {
    var idle = try example.connect()
    _ = try idle.get("/favicon.ico")
    var tunnel = try example.connect()
    try tunnel.send(Self.tunnel)
    _ = try tunnel.head()
    #expect(example.server.connections == 2)

    example.server.kill()
    #expect(!example.server.isRunning)
    #expect(throws: DemoError.self) { try idle.take(1) }
    #expect(throws: DemoError.self) { try tunnel.take(1) }
    #expect(throws: DemoError.self) { _ = try example.connect() }

    try example.server.start()
    var client = try example.connect()
    #expect(try client.get("/favicon.ico").status == 200)
  }

  @Test func `a repeated kill or start has no effect`() throws {
    try example.server.start()
    example.server.kill()
    example.server.kill()
    try example.server.start()
    var client = try example.connect()
    #expect(try client.get("/favicon.ico").status == 200)
    #expect(example.server.state.requests == 1)
  }

  @Test func `a port in use is not shared`() throws {
    let second = ExampleServer(
      state: example.server.state, endpoint: example.server.endpoint,
      context: try ServerContext(
        certificates: [SelfSigned.make(for: ["view02"])], profile: .intermediate, tickets: nil))
    #expect(throws: DemoError.self) { try second.start() }
    #expect(!second.isRunning)
  }

  @Test func `many connections at once are served and closed`() throws {
    for round in 0..<3 {
      var open: [Box] = []
      for _ in 0..<40 { open.append(Box(try example.connect())) }
      for box in open { #expect(try box.client.get("/bytes/\(round)").body.count == round) }
    }
    // This joins every thread of the connections above.
    example.server.kill()
    #expect(example.server.connections == 0)
  }

  /// Arrays hold no value that can't be copied.
  final class Box {
    var client: ExampleClient
    init(_ client: consuming ExampleClient) { self.client = client }
  }
}
