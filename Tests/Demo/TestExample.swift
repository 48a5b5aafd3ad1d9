import Domain
import Linux
import TLS
import Testing
import Wire

@testable import Demo

/// One example server on a port of its own, and clients that know its certificate.
final class TestExample: Sendable {
  let server: ExampleServer
  private let client: ClientContext
  /// Ends all connections after a test.
  private let stop: Wakeup

  init() throws {
    let pair = try SelfSigned.make(for: ["view01.domain.local"])
    let context = try ServerContext(certificates: [pair], profile: .intermediate, tickets: nil)
    let loopback = try IPAddress(parsing: "127.0.0.1")
    let site = ExampleSite(name: "view01", brokerGUID: "0af5eb2e-9f0d-4d3b-8d0e-5c1f6b0f4a11")
    server = ExampleServer(
      state: ExampleServerState(site: site, sessionID: { "SESSION" }),
      endpoint: Endpoint(address: loopback, port: try Socket.freePort(on: loopback)), context: context)
    client = try ClientContext(trust: .fingerprints([pair.facts.fingerprint]))
    stop = try Wakeup()
    try server.start()
  }

  func connect() throws -> ExampleClient {
    ExampleClient(
      stream: try TLSStream.connect(
        to: server.endpoint, context: client, serverName: .none, stop: stop, timeout: .seconds(20)))
  }
}

/// A client with its own response parser, independent of the one under test.
struct ExampleClient: ~Copyable {
  var stream: TLSStream
  private var received: [UInt8] = []

  init(stream: consuming TLSStream) { self.stream = stream }

  struct Answer {
    var status = 0
    var head = ""
    var body: [UInt8] = []
    /// The chunks of the body, when it came in chunks.
    var chunks: [[UInt8]] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    func field(_ name: String) -> String? {
      head.split(separator: "\r\n").first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
    }
  }

  mutating func send(_ text: String) throws { try send(Array(text.utf8)) }

  mutating func send(_ bytes: [UInt8]) throws { try stream.send(bytes.span) }

  /// Sends a request without a body, and reads its answer.
  mutating func get(_ target: String, method: String = "GET", _ fields: String = "") throws -> Answer {
    try send("\(method) \(target) HTTP/1.1\r\nHost: view01.domain.local\r\n\(fields)\r\n")
    return try answer(toHead: method == "HEAD")
  }

  /// Sends a request with a body, and reads its answer.
  mutating func post(_ target: String, method: String = "POST", _ body: [UInt8]) throws -> Answer {
    let head = "\(method) \(target) HTTP/1.1\r\nHost: view01.domain.local\r\nContent-Length: \(body.count)\r\n\r\n"
    try send(Array(head.utf8) + body)
    return try answer()
  }

  mutating func answer(toHead: Bool = false) throws -> Answer {
    var answer = try head()
    guard !toHead else { return answer }
    if let length = answer.field("Content-Length").flatMap({ Int($0) }) {
      answer.body = try take(length)
    } else if answer.field("Transfer-Encoding") == "chunked" {
      while let chunk = try chunk() { answer.chunks.append(chunk) }
      answer.body = Array(answer.chunks.joined())
    } else {
      while try stream.receive(into: &received) {}
      answer.body = received
      received = []
    }
    return answer
  }

  /// The next head, without the bytes after it.
  mutating func head() throws -> Answer {
    var lines: [String] = []
    while let line = try Optional(line()), !line.isEmpty { lines.append(line) }
    let words = lines.first?.split(separator: " ") ?? []
    return Answer(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, head: lines.joined(separator: "\r\n"))
  }

  /// The next chunk; nil at the last one.
  mutating func chunk() throws -> [UInt8]? {
    let size = try #require(Int(try line(), radix: 16))
    let content = try take(size)
    #expect(try line() == "")
    return size == 0 ? nil : content
  }

  mutating func take(_ count: Int) throws -> [UInt8] {
    while received.count < count { try #require(try stream.receive(into: &received), "ended early") }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// True when the server has ended its direction in order and nothing else has come.
  mutating func isAtEnd() throws -> Bool {
    guard received.isEmpty else { return false }
    return try !stream.receive(into: &received)
  }

  private mutating func line() throws -> String {
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        #expect(end > 0 && received[end - 1] == 0x0D)
        let line = String(decoding: received[..<max(0, end - 1)], as: UTF8.self)
        received.removeFirst(end + 1)
        return line
      }
      try #require(try stream.receive(into: &received), "ended early")
    }
  }
}
