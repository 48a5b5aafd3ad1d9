import HTTP1
import Testing

struct ConnectionTests {
  @Test(arguments: [
    ([], true, false), (["Connection: keep-alive"], true, true), (["Connection: Keep-Alive"], true, true),
    (["Connection: close"], false, false), (["Connection: CLOSE"], false, false),
    (["Connection: keep-alive, close"], false, false), (["Connection: close", "Connection: keep-alive"], false, false),
    (["Connection: x-a ,\tclose"], false, false), (["Connection: closed"], true, false), (["Connection:"], true, false),
    (["Proxy-Connection: close"], true, false), (["Connection: keepalive"], true, false),
  ])
  func `a connection persists as RFC 9112 §9.3 says`(lines: [String], new: Bool, old: Bool) throws {
    let fields = lines.map { $0 + "\r\n" }.joined()
    #expect(try #require(parseRequest("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").head).keepAlive == new)
    #expect(try #require(parseRequest("GET / HTTP/1.0\r\n\(fields)\r\n").head).keepAlive == old)
    #expect(try #require(parseResponse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\(fields)\r\n").head).keepAlive == new)
    #expect(try #require(parseResponse("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\(fields)\r\n").head).keepAlive == old)
    #expect(try #require(parseResponse("HTTP/1.1 200 OK\r\n\(fields)\r\n").head).keepAlive == false)
  }

  @Test(arguments: [
    "Host", "Content-Length", "transfer-encoding", "Cookie", "Set-Cookie", "Authorization", "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Other", "X-Real-IP", "Forwarded", "Via", "Expect",
    "Cache-Control", "Origin", "Content-Type", "Content-Encoding", "Date", "Location", "If-Match", "Range", "Trailer",
    "Max-Forwards", "WWW-Authenticate",
  ])
  func `Connection may not nominate end-to-end fields (RFC 9110 §7.6.1)`(name: String) {
    for line in [
      "Connection: \(name)", "Connection: close,\(name.lowercased())", "Connection: a, \(name.uppercased()) ,b",
    ] {
      #expect(parseRequest(request(line)).rejection == .endToEndFieldNominated)
      #expect(parseResponse(response(line)).rejection == .endToEndFieldNominated)
    }
  }

  @Test(arguments: ["close; a", "\"close\"", "a b", "close\t x", "é", "a=b", "[", "close,(a)"])
  func `a connection option is a token (RFC 9110 §7.6.1)`(value: String) {
    #expect(parseRequest(request("Connection: \(value)")).rejection == .connectionMalformed)
    #expect(parseResponse(response("Connection: \(value)")).rejection == .connectionMalformed)
  }

  @Test func `there are at most sixteen connection options, including empty ones`() {
    let fifteen = Array(repeating: "a", count: 15).joined(separator: ",")
    #expect(parseRequest(request("Connection: \(fifteen)", "Connection: close")).head != nil)
    #expect(parseRequest(request("Connection: \(fifteen)", "Connection: ,")).rejection == .tooManyConnectionOptions)
    #expect(Rejection.tooManyConnectionOptions.status == .headerFieldsTooLarge)
  }

  static let webSocket = ["Connection: Upgrade", "Upgrade: websocket"]

  @Test(arguments: [
    (webSocket, "GET", "HTTP/1.1", true),
    (["Upgrade: WebSocket", "Connection: keep-alive, UPGRADE"], "GET", "HTTP/1.1", true),
    (["Upgrade: websocket"], "GET", "HTTP/1.1", false),
    (["Connection: Upgrade"], "GET", "HTTP/1.1", false),
    (webSocket, "GET", "HTTP/1.0", false),
    (webSocket, "POST", "HTTP/1.1", false),
    (webSocket + ["Content-Length: 1"], "POST", "HTTP/1.1", false),
    (["Connection: Upgrade", "Upgrade: h2c"], "GET", "HTTP/1.1", false),
    (["Connection: Upgrade", "Upgrade: websocket, h2c"], "GET", "HTTP/1.1", false),
    (["Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket"], "GET", "HTTP/1.1", false),
    (["Connection: Upgrade", "Upgrade: websocket", "Upgrade: websocket"], "GET", "HTTP/1.1", false),
  ])
  func `only WebSocket upgrades are forwarded, other Upgrade fields are dropped (RFC 9110 §7.8)`(
    lines: [String], method: String, version: String, upgrades: Bool
  ) throws {
    let fields = lines.map { $0 + "\r\n" }.joined()
    let head = "\(method) / \(version)\r\nHost: a\r\n\(fields)\r\n"
    #expect(try #require(parseRequest(head).head).upgradeRequested == upgrades)
    let seen = try #require(forwarded(head, connection: .upgrade))
    #expect(seen.contains("\r\nConnection: Upgrade\r\n") == upgrades)
    #expect(seen.lowercased().contains("\r\nupgrade: ") == upgrades)
    #expect(try #require(forwarded(head, connection: .close)).lowercased().contains("\r\nupgrade: ") == false)
  }

  @Test(arguments: [
    ("NTLM TlRMTVNTUAAB", true), ("Negotiate YII=", true), ("negotiate", true), ("Basic eDp5", false), ("", false),
    ("Kerberos x", true), ("Nego2 x", true), ("Bearer NTLM", false), ("NTLMv2 x", false),
  ])
  func `connection-bound credentials are recognised (RFC 4559 §6)`(value: String, binds: Bool) throws {
    #expect(try #require(parseRequest(request("Authorization: \(value)")).head).bindsAuthentication == binds)
    for name in ["WWW-Authenticate", "proxy-authenticate"] {
      let head = response("\(name): Basic", "\(name): \(value)", "\(name): Basic", status: 401)
      #expect(try #require(parseResponse(head).head).bindsAuthentication == binds)
    }
  }

  @Test func `a connection-bound challenge is recognised in a list, and Persistent-Auth by its name`() throws {
    let list = response("WWW-Authenticate: Basic realm=\"x\" ,\tNegotiate, NTLM", status: 401)
    #expect(try #require(parseResponse(list).head).bindsAuthentication)
    #expect(try #require(parseResponse(response("Persistent-Auth: true")).head).bindsAuthentication)
    #expect(try #require(parseResponse(response("A: NTLM")).head).bindsAuthentication == false)
  }
}
