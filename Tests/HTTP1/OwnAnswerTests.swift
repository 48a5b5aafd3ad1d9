import HTTP1
import Testing
import Wire

/// Answers of the proxy itself: error pages and redirects.
struct OwnAnswerTests {
  static func page(_ page: StatusPage, html: String? = nil) -> String {
    var sink = ByteWriter(limit: 4_096)
    if let html { page.render(page: bytes(html).span, into: &sink) } else { page.render(into: &sink) }
    return text(sink.bytes)
  }

  @Test(arguments: Status.allCases)
  func `every error page is an answer that our parser accepts`(status: Status) throws {
    let input = bytes(Self.page(StatusPage(status)))
    let head = try #require(ResponseHead.parse(input.span, to: AnsweredRequest(), limits: HeadLimits()).head)
    #expect(head.status == status.rawValue && !head.keepAlive)
    #expect(head.framing == .length(UInt64(input.count - head.length)))
    #expect(text(Array(input[head.length...])) == "\(status.rawValue) \(status.phrase)\n")
  }

  @Test func `an error page has its status and reason, and is not cacheable`() {
    #expect(
      Self.page(StatusPage(.serviceUnavailable, retryAfterSeconds: 10))
        == "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n"
        + "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nRetry-After: 10\r\nConnection: close\r\n\r\n503 Service Unavailable\n"
    )
  }

  @Test func `HEAD gets the head of the page only (RFC 9110 §9.3.2)`() {
    let whole = Self.page(StatusPage(.badRequest))
    #expect(whole == Self.page(StatusPage(.badRequest, isToHead: true)) + "400 Bad Request\n")
    #expect(
      Self.page(StatusPage(.badRequest, isToHead: true), html: "<p>").hasSuffix(
        "\r\nContent-Length: 3\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
      ))
  }

  @Test func `a custom page replaces the built-in one`() {
    #expect(
      Self.page(StatusPage(.badGateway), html: "<h1>Back soon</h1>")
        == "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 18\r\n"
        + "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n<h1>Back soon</h1>")
  }

  @Test func `405 has the allowed methods (RFC 9110 §15.5.6)`() {
    #expect(
      Self.page(StatusPage(.methodNotAllowed)).contains("\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n"))
  }

  @Test func `every rejection has an appropriate status and a unique reason`() {
    var reasons: Set<String> = []
    for rejection in Rejection.allCases {
      #expect([400, 403, 405, 413, 414, 417, 421, 429, 431, 501, 503, 505].contains(rejection.status.rawValue))
      #expect(reasons.insert(rejection.reason.description).inserted)
    }
  }

  static let services = [bytes("view.domain.local"), bytes("view.example.com"), bytes("[2001:db8::1]")]

  static func redirect(
    _ request: String, to destination: Redirect.Destination = .https(port: 443, services: services)
  ) throws -> String {
    let input = bytes(request)
    let head = try #require(RequestHead.parse(input.span, limits: HeadLimits()).head)
    var sink = ByteWriter(limit: 4_096)
    Redirect(to: destination).render(head, from: input.span, into: &sink)
    return text(sink.bytes)
  }

  @Test(arguments: [
    ("GET /a?b=c HTTP/1.1\r\nHost: view.domain.local", "https://view.domain.local/a?b=c"),
    ("GET / HTTP/1.1\r\nHost: VIEW.Example.com.:80", "https://view.example.com/"),
    ("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80", "https://[2001:db8::1]/"),
    ("GET /x HTTP/1.1\r\nHost: evil.example", "https://view.domain.local/x"),
    ("GET /x HTTP/1.1\r\nHost: view.domain.local.evil.example", "https://view.domain.local/x"),
    ("GET //evil.example HTTP/1.1\r\nHost: 192.0.2.1", "https://view.domain.local//evil.example"),
    ("GET /\\evil.example HTTP/1.1\r\nHost: 192.0.2.1", "https://view.domain.local/\\evil.example"),
    ("GET / HTTP/1.0", "https://view.domain.local/"),
    ("GET http://view.example.com HTTP/1.1\r\nHost: view.example.com", "https://view.example.com/"),
    ("GET http://evil?q HTTP/1.1\r\nHost: evil", "https://view.domain.local/?q"),
    ("HEAD /h HTTP/1.1\r\nHost: a", "https://view.domain.local/h"),
  ])
  func `GET and HEAD are redirected to the service's name with path and query, never to another host`(
    head: String, location: String
  ) throws {
    #expect(
      try Self.redirect(head + "\r\n\r\n")
        == "HTTP/1.1 301 Moved Permanently\r\nLocation: \(location)\r\nCache-Control: no-store\r\nContent-Length: 0\r\n"
        + "Connection: close\r\n\r\n")
  }

  @Test(arguments: [
    ("POST /a?b HTTP/1.1", "https://view.domain.local/a?b"), ("OPTIONS * HTTP/1.1", "https://view.domain.local/"),
  ])
  func `other methods are redirected with 308, which keeps the method (RFC 9110 §15.4.9)`(
    line: String, location: String
  ) throws {
    #expect(
      try Self.redirect(line + "\r\nHost: a\r\n\r\n")
        == "HTTP/1.1 308 Permanent Redirect\r\nLocation: \(location)\r\nCache-Control: no-store\r\nContent-Length: 0\r\n"
        + "Connection: close\r\n\r\n")
  }

  @Test func `a port other than 443 is part of the location, and a fixed location is unchanged`() throws {
    let head = "GET /a HTTP/1.1\r\nHost: view.domain.local:8080\r\n\r\n"
    #expect(
      try Self.redirect(head, to: .https(port: 8443, services: Self.services)).contains(
        "\r\nLocation: https://view.domain.local:8443/a\r\n"))
    #expect(
      try Self.redirect(head, to: .fixed(bytes("https://elsewhere/start"))).contains(
        "\r\nLocation: https://elsewhere/start\r\n"))
  }
}
