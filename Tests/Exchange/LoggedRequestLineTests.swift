import Balancing
import Domain
import Exchange
import Testing
import Wire

/// A request line in the access log, without the secrets of sessions.
@Suite struct LoggedRequestLineTests {
  static let hash = SecretHash(seed: 1, 2)

  static func logged(_ text: String, _ queries: LoggedQueries = .hash) -> String {
    var line = Array("what was there before".utf8)
    LoggedRequestLine(queries, hash: hash).write(firstOf: Array(text.utf8).span, to: &line)
    return String(decoding: line, as: UTF8.self)
  }

  /// The replacement of a part.
  static func digits(_ part: String) -> String {
    let first = String(hash(Array(part.utf8).span).first, radix: 16)
    return "~" + (String(repeating: "0", count: 16 - first.count) + first).prefix(8)
  }

  static let (id, secret) = (digits("5A3B_1F"), digits("s3cr=t=="))

  @Test(arguments: [
    ("POST /ice/reconnect?5A3B_1F&s3cr=t== HTTP/1.1", "POST /ice/reconnect?\(id)&\(secret) HTTP/1.1"),
    ("POST //ICE/reconnect?5A3B_1F&s3cr=t== HTTP/1.1", "POST //ICE/reconnect?\(id)&\(secret) HTTP/1.1"),
    ("POST /ice/tunnel?5A3B_1F HTTP/1.1", "POST /ice/tunnel?\(id) HTTP/1.1"),
    ("POST https://a/ice/tunnel?5A3B_1F HTTP/1.0", "POST https://a/ice/tunnel?\(id) HTTP/1.0"),
    ("GET /portal/?SAMLart=5A3B_1F&lang=de HTTP/1.1", "GET /portal/?SAMLart=\(id)&lang=\(digits("de")) HTTP/1.1"),
    ("GET /a;jsessionid=5A3B_1F/b?c HTTP/1.1", "GET /a;jsessionid=\(id)/b?\(digits("c")) HTTP/1.1"),
    ("GET /a?c2VjcmV0== HTTP/1.1", "GET /a?\(digits("c2VjcmV0==")) HTTP/1.1"),
    ("GET /a?b=c;d=e HTTP/1.1", "GET /a?b=\(digits("c"));d=\(digits("e")) HTTP/1.1"),
    ("GET /a%3Fb%3fc HTTP/1.1", "GET /a%3F\(digits("b%3fc")) HTTP/1.1"),
    ("GET /a#access_token=5A3B_1F HTTP/1.1", "GET /a#access_token=\(id) HTTP/1.1"),
    ("GET /a?&&b=&=c HTTP/1.1", "GET /a?&&\(digits("b="))&\(digits("=c")) HTTP/1.1"),
    ("GET /a?b?c HTTP/1.1", "GET /a?\(digits("b"))?\(digits("c")) HTTP/1.1"),
    ("GET /a?b c HTTP/1.1", "GET /a?\(digits("b c")) HTTP/1.1"),
    ("GET /a?b HTTP/1.", "GET /a?\(digits("b HTTP/1."))"),
    ("GET /plain HTTP/1.1", "GET /plain HTTP/1.1"),
    ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"),
  ])
  func `each part of a query and each path parameter is replaced by a keyed hash`(sent: String, logged: String) {
    #expect(Self.logged(sent + "\r\nHost: a?b\r\n\r\n") == logged)
  }

  @Test(arguments: [
    ("POST /ice/reconnect?5A3B&s3cret HTTP/1.1", "POST /ice/reconnect? HTTP/1.1"),
    ("GET /a;b=c/d;e?f&g HTTP/1.1", "GET /a;/d;? HTTP/1.1"), ("GET /a#b HTTP/1.1", "GET /a# HTTP/1.1"),
    ("GET /a HTTP/1.1", "GET /a HTTP/1.1"),
  ])
  func `queries can be removed`(sent: String, logged: String) {
    #expect(Self.logged(sent, .cut) == logged)
  }

  @Test(arguments: [
    "username=a&password=b", "get / HTTP/1.1", "\u{16}\u{3}\u{1}", "GET  / HTTP/1.1", "GET", "GET ", " GET / HTTP/1.1",
    "GET http://user:pass@a/ HTTP/1.1", "GET HTTPS://user@a HTTP/1.1", "GET ftp://a/ HTTP/1.1",
    "GET httpx://a/ HTTP/1.1",
    "{\"password\": 1}", "AAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", "",
  ])
  func `bytes that are no request line, and may be part of a body, are not logged`(sent: String) {
    for queries in [LoggedQueries.hash, .cut] {
      #expect(Self.logged(sent + "\r\n", queries) == "<BADREQ>")
    }
    #expect(Self.logged(sent, .full) == sent)
  }

  @Test func `the logged text is bounded for any input`() {
    let parts = "GET /?" + String(repeating: "&a", count: 4_000)
    #expect(Self.logged(parts).utf8.count <= 2 * LoggedRequestLine.limit + 64)
    #expect(Self.logged(parts, .full).utf8.count == LoggedRequestLine.limit)
    #expect(Self.logged("\r\n\r\nGET / HTTP/1.1\n") == "GET / HTTP/1.1")
  }

  @Test func `another key gives other digits`() {
    var line: [UInt8] = []
    let other = LoggedRequestLine(.hash, hash: SecretHash(seed: 3, 4))
    other.write(firstOf: Array("GET /?a HTTP/1.1".utf8).span, to: &line)
    #expect(String(decoding: line, as: UTF8.self) != Self.logged("GET /?a HTTP/1.1"))
  }
}
