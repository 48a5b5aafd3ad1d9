import Testing

@testable import Demo

@Suite struct ExampleEndpointTests {
  static let table: [(String, ExampleEndpoint)] = [
    ("GET /", .page),
    ("HEAD /?a=b", .page),
    ("GET http://view.domain.local/", .page),
    ("GET http://view.domain.local", .page),
    ("POST /", .methodNotAllowed("GET, HEAD")),
    ("GET /favicon.ico", .favicon),
    ("HEAD /favicon.ico", .favicon),
    ("POST /broker/xml", .broker),
    ("GET /broker/xml", .methodNotAllowed("POST")),
    ("POST /ice/tunnel?1234", .tunnel),
    ("POST /ice/reconnect?1&2", .tunnel),
    ("GET /ice/tunnel", .methodNotAllowed("POST")),
    ("GET /ws", .webSocket),
    ("PUT /digest", .digest),
    ("POST /digest", .digest),
    ("GET /digest", .methodNotAllowed("PUT, POST")),
    ("GET /bytes/0", .bytes(0)),
    ("GET /bytes/1099511627776", .bytes(1 << 40)),
    ("GET /chunks/20", .chunks(20)),
    ("GET /slow?a=1&ms=250", .slow(milliseconds: 250)),
    ("GET /close", .untilClose),
    ("GET /headers", .headers),
    ("GET /bytes/1/2", .notFound),
    ("GET /nothing", .notFound),
    ("DELETE /nothing", .notFound),
    ("OPTIONS *", .notFound),
  ]

  @Test(arguments: table)
  func `a request is mapped to its endpoint`(_ line: String, _ endpoint: ExampleEndpoint) {
    #expect(ExampleEndpoint(ExampleRequest(text: "\(line) HTTP/1.1\r\nHost: a\r\n\r\n")) == endpoint)
  }

  @Test(arguments: ["/bytes/", "/bytes/-1", "/bytes/1099511627777", "/chunks/x", "/slow", "/slow?ms=600001"])
  func `a number that is invalid or too large is refused`(_ target: String) throws {
    let endpoint = ExampleEndpoint(ExampleRequest(text: "GET \(target) HTTP/1.1\r\n\r\n"))
    guard case .badRequest = endpoint else {
      Issue.record("\(endpoint)")
      return
    }
  }
}

@Suite struct ExampleRequestTests {
  let request = ExampleRequest(
    text: """
      GET /path?one=1&two HTTP/1.1\r
      Host: view.domain.local\r
      cookie: a=1; JSESSIONID=xyz\r
      X-Forwarded-For: 10.0.0.1\r
      X-Empty:\r
      x-forwarded-for:\t10.0.0.2 \r
      \r

      """)

  @Test func `fields of one name are one list, whatever their case (RFC 9110 §5.3)`() {
    #expect(request["X-FORWARDED-FOR"] == "10.0.0.1, 10.0.0.2")
    #expect(request["X-Empty"] == "")
    #expect(request["Missing"] == nil)
  }

  @Test func `a cookie is found among others (RFC 6265 §4.2)`() {
    #expect(request.cookie("JSESSIONID") == "xyz")
    #expect(request.cookie("SESSIONID") == nil)
  }

  @Test func `path, query and numbers are separated`() {
    #expect(request.path == "/path")
    #expect(request.query == "one=1&two")
    #expect(request.number("one") == 1)
    #expect(request.number("two") == nil)
  }
}
