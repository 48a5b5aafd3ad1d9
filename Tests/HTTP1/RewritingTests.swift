import HTTP1
import Testing
import Wire

struct RewritingTests {
  static let added = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: view.domain.local\r\n"

  @Test func `a browser's head keeps its names, case and order`() {
    let head = "GET /portal/?a=b HTTP/1.1\r\nHost: view.domain.local\r\naccept: */*\r\nUSER-AGENT: x\r\n"
    #expect(forwarded(head + "Connection: keep-alive\r\nCookie: a=b\r\n\r\n") == head + "Cookie: a=b\r\n" + Self.added + "\r\n")
  }
}
