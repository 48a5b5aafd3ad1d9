import Testing

@testable import Demo

@Suite struct WebSocketHandshakeTests {
  static func request(_ changes: [String: String?] = [:]) -> ExampleRequest {
    var fields: [String: String] = [
      "Host": "view.domain.local", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
      "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]
    for (name, value) in changes { fields[name] = value }
    let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
    return ExampleRequest(text: "GET /ws HTTP/1.1\r\n\(lines)\r\n")
  }

  @Test func `the answer to the key of RFC 6455 §1.3 is the one given there`() {
    let answer = WebSocketHandshake.answer(to: Self.request())
    #expect(answer.status == .switchingProtocols)
    #expect(answer.fields.contains(.init("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")))
  }

  @Test(
    arguments: [
      (["Upgrade": nil], 426), (["Upgrade": "h2c"], 426), (["Connection": "keep-alive"], 426),
      (["Sec-WebSocket-Version": "8"], 426), (["Sec-WebSocket-Version": nil], 426),
      (["Sec-WebSocket-Key": nil], 400), (["Sec-WebSocket-Key": "AAAA"], 400),
      (["Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=!"], 400),
    ] as [([String: String?], UInt16)])
  func `an invalid handshake is refused (RFC 6455 §4.2.1)`(_ changes: [String: String?], _ code: UInt16) {
    #expect(WebSocketHandshake.answer(to: Self.request(changes)).status.code == code)
  }
}
