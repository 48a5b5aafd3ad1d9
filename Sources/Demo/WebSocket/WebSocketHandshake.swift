import TLS

/// The server side of the WebSocket opening handshake (RFC 6455 §4.2).
package enum WebSocketHandshake {
  /// 101 when `request` is a valid WebSocket handshake, otherwise an error. No subprotocol or extension is negotiated.
  package static func answer(to request: ExampleRequest) -> ExampleAnswer {
    guard request.isHTTP11, has(request, "Upgrade", "websocket"), has(request, "Connection", "upgrade") else {
      return ExampleAnswer(
        .upgradeRequired, text: "This is a WebSocket.", [.init("Upgrade", "websocket"), .init("Connection", "Upgrade")])
    }
    guard request["Sec-WebSocket-Version"] == "13" else {
      return ExampleAnswer(
        .upgradeRequired, text: "The WebSocket's version is 13.", [.init("Sec-WebSocket-Version", "13")])
    }
    guard let key = request["Sec-WebSocket-Key"], isKey(key) else {
      return ExampleAnswer(.badRequest, text: "Sec-WebSocket-Key wants sixteen bytes in Base64.")
    }
    return ExampleAnswer(
      .switchingProtocols, streaming: .none,
      [
        .init("Upgrade", "websocket"), .init("Connection", "Upgrade"), .init("Sec-WebSocket-Accept", accept(key)),
      ])
  }

  /// The value of Sec-WebSocket-Accept for the client's key (RFC 6455 §4.2.2).
  package static func accept(_ key: String) -> String {
    Digest.sha1Base64(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
  }

  /// Sixteen bytes in Base64 are 22 characters and two equals signs.
  private static func isKey(_ key: String) -> Bool {
    let characters = key.utf8
    return characters.count == 24 && key.hasSuffix("==")
      && characters.dropLast(2).allSatisfy {
        switch $0 {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }

  /// Whether the list in field `name` contains `token`, ignoring case.
  private static func has(_ request: ExampleRequest, _ name: String, _ token: String) -> Bool {
    (request[name] ?? "").split(separator: ",").contains {
      $0.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" }) == [Substring(token)]
    }
  }
}
