import TLS
import Testing

@testable import Demo

/// Every endpoint, through TLS.
@Suite struct ExampleServerTests {
  let example: TestExample

  init() throws { example = try TestExample() }

  @Test func `the page names the server and the client, and starts a session`() throws {
    var client = try example.connect()
    let first = try client.get("/", "X-Forwarded-For: 192.0.2.7\r\n")
    #expect(first.status == 200)
    #expect(first.text.contains("<h1>view01</h1>") && first.text.contains("192.0.2.7"))
    #expect(first.field("Set-Cookie") == "JSESSIONID=SESSION; Path=/; Secure; HttpOnly")
    let second = try client.get("/", "Cookie: JSESSIONID=<b>\r\n")
    #expect(second.field("Set-Cookie") == nil)
    #expect(second.text.contains("&lt;b&gt;"))
  }

  @Test func `the health check is answered, with 503 while the server drains`() throws {
    var client = try example.connect()
    #expect(try client.get("/favicon.ico").body == ExampleSite.icon)
    example.server.state.isDraining = true
    #expect(try client.get("/favicon.ico").status == 503)
    #expect(try client.get("/").status == 200)
  }

  @Test(arguments: ["/", "/favicon.ico", "/bytes/1000", "/chunks/1000", "/headers", "/slow?ms=0", "/nothing"])
  func `HEAD is answered with the head of GET and no body (RFC 9110 §9.3.2)`(_ target: String) throws {
    var client = try example.connect()
    let head = try client.get(target, method: "HEAD")
    let get = try client.get(target)
    #expect(head.status == get.status)
    let names = ["Content-Type", "Transfer-Encoding"] + (target == "/headers" ? [] : ["Content-Length"])
    for name in names { #expect(head.field(name) == get.field(name)) }
  }

  @Test func `the broker answers the operations of a request, and refuses other content`() throws {
    var client = try example.connect()
    let request =
      "<?xml version=\"1.0\"?><broker version=\"2.0\"><set-locale><locale>en</locale></set-locale>"
      + "<get-configuration/></broker>"
    let answer = try client.post("/broker/xml", Array(request.utf8))
    #expect(answer.status == 200)
    #expect(answer.field("Content-Type") == "text/xml;charset=UTF-8")
    #expect(answer.head.contains("Set-Cookie: com.vmware.vdi.broker.location.id=0af5eb2e"))
    #expect(answer.text.contains("<set-locale><result>ok</result></set-locale><configuration><result>ok</result>"))
    #expect(try client.post("/broker/xml", Array("hello".utf8)).status == 400)
    #expect(try client.post("/broker/xml", [UInt8](repeating: 32, count: 70_000)).status == 413)
    #expect(try client.isAtEnd())
  }

  @Test(arguments: [0, 1, 250, 251, 16_314, 16_315, 16_316, 100_000])
  func `the pattern is sent with a length or in chunks`(_ count: Int) throws {
    var client = try example.connect()
    let expected = (0..<count).map { UInt8($0 % 251) }
    #expect(try client.get("/bytes/\(count)").body == expected)
    #expect(try client.get("/chunks/\(count)").body == expected)
  }

  @Test func `a client of HTTP/1.0 gets no chunks (RFC 9112 §6.1)`() throws {
    var client = try example.connect()
    try client.send("GET /chunks/300 HTTP/1.0\r\n\r\n")
    let answer = try client.answer()
    #expect(answer.field("Transfer-Encoding") == nil)
    #expect(answer.body.count == 300)
  }

  @Test func `the digest is of the content, whatever its framing`() throws {
    var client = try example.connect()
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    #expect(try client.post("/digest", method: "PUT", Array("abc".utf8)).text == digest)
    try client.send(
      "POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
    #expect(try client.answer().text == digest)
    let long = [UInt8](repeating: 5, count: 300_000)
    let expected = Digest.sha256(long).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(try client.post("/digest", long).text == expected + "\n")
  }

  @Test func `a client that expects 100-continue gets it (RFC 9110 §10.1.1)`() throws {
    var client = try example.connect()
    try client.send("PUT /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    #expect(try client.head().status == 100)
    try client.send("abc")
    #expect(try client.answer().text.hasPrefix("ba7816bf"))
  }

  @Test func `pipelined requests are answered in order (RFC 9112 §9.3.2)`() throws {
    var client = try example.connect()
    let requests = ["/bytes/1", "/bytes/20000", "/nothing", "/headers", "/bytes/2"]
    try client.send(requests.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
    #expect(try client.answer().body.count == 1)
    #expect(try client.answer().body.count == 20_000)
    #expect(try client.answer().status == 404)
    #expect(try client.answer().text == "GET /headers HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(try client.answer().body.count == 2)
  }

  @Test func `an answer without a length ends with the connection`() throws {
    var client = try example.connect()
    let answer = try client.get("/close")
    #expect(answer.field("Connection") == "close" && answer.field("Content-Length") == nil)
    #expect(answer.text.hasSuffix("\n"))
  }

  @Test func `a delayed answer arrives`() throws {
    var client = try example.connect()
    #expect(try client.get("/slow?ms=20").text == "That took 20 ms.\n")
  }

  @Test func `the connection is closed after the answer if the client asks for it (RFC 9112 §9.6)`() throws {
    var client = try example.connect()
    let answer = try client.get("/", "Connection: close\r\n")
    #expect(answer.field("Connection") == "close")
    #expect(try client.isAtEnd())
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("nonsense\r\n\r\n", 400),
    ("POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
  ])
  func `a malformed request is answered once, and the connection is closed`(_ text: String, _ status: Int) throws {
    var client = try example.connect()
    try client.send(text)
    let answer = try client.answer()
    #expect(answer.status == status)
    #expect(answer.field("Connection") == "close")
    #expect(try client.isAtEnd())
  }
}
