/// The content of one example Connection Server: its name, its identity, and the responses that need neither time nor
/// the connection.
package struct ExampleSite: Sendable {
  /// Its name in the load balancer's configuration: `view01`.
  package let name: String
  /// The broker's identity, a UUID as text.
  package let brokerGUID: String

  /// The longest body of a broker request, in bytes.
  package static let longestBrokerRequest = 64 * 1024

  /// The page at `/`. A client without a session gets `sessionID`.
  package func page(for request: ExampleRequest, sessionID: @autoclosure () -> String) -> ExampleAnswer {
    let known = request.cookie("JSESSIONID")
    let session = known ?? sessionID()
    let client = request["X-Forwarded-For"] ?? "a client without a balancer"
    let html = """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><title>\(escaped(name))</title></head>
      <body style="font-family: sans-serif; margin: 4em auto; max-width: 36em">
      <h1>\(escaped(name))</h1>
      <p>An example Connection Server. It answers <b>\(escaped(client))</b>.</p>
      <p>Session: <code>\(escaped(session))</code>\(known == nil ? ", begun now" : "")</p>
      </body>
      </html>

      """
    var fields = [ExampleRequest.Field("Cache-Control", "no-store")]
    if known == nil { fields.append(.init("Set-Cookie", "JSESSIONID=\(session); Path=/; Secure; HttpOnly")) }
    return ExampleAnswer(.ok, "text/html;charset=UTF-8", Array(html.utf8), fields)
  }

  /// The health check's response. A draining server answers 503, as a disabled Connection Server does.
  package func favicon(isDraining: Bool) -> ExampleAnswer {
    isDraining
      ? ExampleAnswer(.serviceUnavailable, text: "\(name) is disabled.")
      : ExampleAnswer(.ok, "image/x-icon", Self.icon)
  }

  /// The response to a broker request: one element for each requested one, in the vendor's order.
  package func broker(_ body: [UInt8], sessionID: String) -> ExampleAnswer {
    let asked = String(decoding: body, as: UTF8.self)
    guard asked.contains("<broker") else {
      return ExampleAnswer(.badRequest, text: "A broker's request is an XML document whose root is <broker>.")
    }
    var elements: [String] = []
    if asked.contains("<set-locale") { elements.append("<set-locale><result>ok</result></set-locale>") }
    if asked.contains("<get-configuration") {
      elements.append(
        "<configuration><result>ok</result><broker-guid>\(brokerGUID)</broker-guid>"
          + "<broker-name>\(escaped(name))</broker-name><authentication><screen><name>windows-password</name>"
          + "</screen></authentication></configuration>")
    }
    if asked.contains("<do-logout") { elements.append("<logout><result>ok</result></logout>") }
    let xml = "<?xml version=\"1.0\"?><broker version=\"15.0\">\(elements.joined())</broker>\n"
    return ExampleAnswer(
      .ok, "text/xml;charset=UTF-8", Array(xml.utf8),
      [
        .init("Set-Cookie", "JSESSIONID=\(sessionID); Path=/; Secure; HttpOnly"),
        .init("Set-Cookie", "com.vmware.vdi.broker.location.id=\(brokerGUID)"),
      ])
  }

  /// One white pixel: a 6-byte directory, a 16-byte entry, a bitmap header, the pixel and its mask.
  package static let icon: [UInt8] =
    [0, 0, 1, 0, 1, 0]
    + [1, 1, 0, 0, 1, 0, 32, 0, 48, 0, 0, 0, 22, 0, 0, 0]
    + [40, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 32, 0, 0, 0, 0, 0, 8, 0, 0, 0]
    + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    + [255, 255, 255, 255, 0, 0, 0, 0]

  /// Escapes text for HTML and XML.
  private func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
  }
}
