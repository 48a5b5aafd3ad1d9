import Testing
import Wire

@testable import HTTP1

@Suite struct `Edited fields` {
  private static let edits = HeaderEdits(
    set: [("X-Entrance", "internet")], remove: ["X-Debug", "Server"], transportSecurity: "max-age=1")
  private static let forwarding = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true, addsFields: false)

  private static func sent(_ lines: String...) throws -> String {
    let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\nX-Debug: body\r\n"
    let bytes = Array(text.utf8)
    guard case .head(let head) = RequestHead.parse(bytes.span, limits: HeadLimits()) else { return "" }
    var sink = ByteWriter(limit: 4000)
    head.render(from: bytes.span, forwarding: forwarding, connection: .keepAlive, edits: edits, into: &sink)
    return String(decoding: sink.bytes, as: UTF8.self)
  }

  private static func returned(_ text: String, upgrade: Bool = false, version: Version = .http11) throws -> String {
    let bytes = Array(text.utf8)
    let request = AnsweredRequest(upgradeRequested: upgrade)
    guard case .head(let head) = ResponseHead.parse(bytes.span, to: request, limits: HeadLimits()) else { return "" }
    var sink = ByteWriter(limit: 4000)
    head.render(from: bytes.span, connection: .keepAlive, clientVersion: version, edits: edits, into: &sink)
    return String(decoding: sink.bytes, as: UTF8.self)
  }

  private static let added = "X-Entrance: internet\r\nStrict-Transport-Security: max-age=1\r\n"

  @Test(arguments: ["X-Entrance", "x-entrance", "X_Entrance", "X.ENTRANCE", "x-debug", "X_Debug"])
  func `replace every line of their name, in each spelling that CGI reads alike`(name: String) throws {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\n\(Self.added)\r\n"
    #expect(try Self.sent("\(name): 1", "A: b", "\(name):2", "\(name): 3", "C: d", "\(name):") == head)
  }

  @Test func `leave names alone that only begin alike`() throws {
    let seen = try Self.sent("X-Entrance2: a", "X-Entranc: b", "AX-Entrance: c")
    #expect(seen.contains("X-Entrance2: a\r\nX-Entranc: b\r\nAX-Entrance: c\r\n"))
  }

  @Test func `are those of final responses`() throws {
    #expect(
      try Self.returned("HTTP/1.1 200 OK\r\nServer: x\r\nA: b\r\nContent-Length: 0\r\n\r\n")
        == "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\(Self.added)\r\n")
    let old = "HTTP/1.0 200 OK\r\nStrict-Transport-Security: x\r\nContent-Length: 0\r\n\r\n"
    #expect(
      try Self.returned(old, version: .http10)
        .hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(Self.added)Connection: "))
    #expect(
      try Self.returned(
        "HTTP/1.1 101 Switching\r\nServer: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", upgrade: true)
        == "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\(Self.added)Connection: Upgrade\r\n\r\n")
    #expect(
      try Self.returned("HTTP/1.1 103 Early\r\nServer: x\r\nLink: y\r\n\r\n") == "HTTP/1.1 103 Early\r\nLink: y\r\n\r\n"
    )
  }

  /// As many lines as a head may have, each second one to be removed; and some that are rewritten in any case.
  @Test func `leave out any number of lines, apart from each other`() throws {
    let names = ["X-Debug", "x_debug", "SERVER", "X-Entrance", "Strict.Transport.Security"]
    let lines = (0..<40).map { "\(names[$0 % names.count]): \($0)\r\nA\($0): b" }
    let others = ["Connection: close, X-Gone", "X-Gone: 1", "Keep-Alive: 1", "Proxy-Connection: 1", "Proxy: 1"]
    let kept = (0..<40).map { "A\($0): b\r\n" }.joined()
    let head = "GET / HTTP/1.1\r\nHost: a\r\n\(kept)\(Self.added)\r\n"
    #expect(try Self.sent((lines + others).joined(separator: "\r\n")) == head)
    #expect(try Self.sent((others + lines).joined(separator: "\r\n")) == head)
    #expect(
      try Self.returned("HTTP/1.1 200 OK\r\n" + lines.joined(separator: "\r\n") + "\r\nContent-Length: 0\r\n\r\n")
        == "HTTP/1.1 200 OK\r\n\(kept)Content-Length: 0\r\n\(Self.added)\r\n")
  }

  @Test func `replace their lines at the start and at the end of a head, and alone in it`() throws {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(Self.added)\r\n"
    #expect(try Self.returned("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\nServer:\r\n\r\n") == head)
    #expect(try Self.returned("HTTP/1.1 304 OK\r\nServer: x\r\n\r\n") == "HTTP/1.1 304 OK\r\n\(Self.added)\r\n")
  }

  @Test(arguments: [1, 63, 64]) func `have names of up to 64 characters`(count: Int) {
    let name = String(repeating: "a", count: count)
    let edits = HeaderEdits(set: [], remove: [name])
    let text = "HTTP/1.1 200 OK\r\n\(name): 1\r\n\(name)a: 2\r\nb\(name.dropFirst()): 3\r\nContent-Length: 0\r\n\r\n"
    let bytes = Array(text.utf8)
    let request = AnsweredRequest(upgradeRequested: false)
    guard case .head(let head) = ResponseHead.parse(bytes.span, to: request, limits: HeadLimits()) else {
      return #expect(Bool(false))
    }
    var sink = ByteWriter(limit: 4000)
    head.render(from: bytes.span, connection: .keepAlive, clientVersion: .http11, edits: edits, into: &sink)
    #expect(String(decoding: sink.bytes, as: UTF8.self) == text.replacing("\r\n\(name): 1", with: ""))
  }

  @Test(arguments: [
    "Content-Length", "transfer_encoding", "TE", "Trailer", "Content-Encoding", "Connection", "Keep-Alive",
    "Proxy-Connection", "Upgrade", "Expect", "Host", "Cookie", "Set-Cookie", "Authorization", "WWW-Authenticate",
    "Proxy-Authorization", "Sec-WebSocket-Key", "Forwarded", "X-Forwarded-For", "X-Forwarded-Port", "X-Real-IP",
    "X-Original-URL", "X_Client_Cert", "Origin", "If-Range", "Location", "Proxy", "", "a b", "a:", "a\r\nb", "\u{e9}",
    String(repeating: "a", count: 65),
  ])
  func `are none of framing, routing, sessions and credentials`(name: String) {
    #expect(HeaderEdits.objection(to: name) != nil)
  }

  @Test func `are all others`() {
    for name in ["Server", "X-Frame-Options", "Referer", "Content-Security-Policy-Report-Only", "X_A"] {
      #expect(HeaderEdits.objection(to: name) == nil)
    }
    for value in ["a\r\nb", "a\n", "\0", "\u{7f}", "\u{e9}", " a", "a ", String(repeating: "a", count: 2049)] {
      #expect(HeaderEdits.objection(toValue: value) != nil)
    }
    #expect(HeaderEdits.objection(toValue: "default-src 'self'; a=\"b\"") == nil)
  }

  @Test func `of our own responses are those that these do not have, and security only over TLS`() {
    let edits = HeaderEdits(
      set: [("Cache-Control", "public"), ("Content-Type", "a"), ("X-A", "b")], remove: ["Allow"],
      transportSecurity: "max-age=1")
    #expect(String(decoding: edits.ownLines(isSecure: false), as: UTF8.self) == "X-A: b\r\n")
    #expect(
      String(decoding: edits.ownLines(isSecure: true), as: UTF8.self)
        == "X-A: b\r\nStrict-Transport-Security: max-age=1\r\n")
  }
}
