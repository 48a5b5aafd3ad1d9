import HTTP1
import Testing

@Suite struct `The content of an answer` {
  @Test(
    arguments: [
      ("Content-Type: text/xml", nil), ("content-type:TEXT/XML;charset=UTF-8", nil),
      ("Content-Type: \ttext/xml ; charset=UTF-8", nil), ("Content-Type: text/xml\r\nContent-Encoding: Identity", nil),
      ("Content-Encoding: identity\r\nContent-Type: text/xml", nil), ("Server: a", .type),
      ("Content-Type: text/xmls", .type), ("Content-Type: text/html", .type), ("Content-Type:", .type),
      ("Content-Type: a; b=text/xml", .type), ("Content-Type: text/xml\r\nContent-Encoding: gzip", .coding),
      ("Content-Encoding: gzip\r\nContent-Type: text/xml", .coding),
      ("Content-Encoding:\r\nContent-Type: text/xml", .coding),
      ("Content-Type: text/xml\r\nContent-Encoding: identity, br", .coding),
      ("Content-Type: text/xml\r\nContent-Type: text/html", .type),
      ("Content-Type: text/html\r\nContent-Type: text/xml", .type), ("X-Content-Type: text/xml", .type),
    ] as [(String, ResponseHead.XMLFault?)])
  func `is XML if it has a single XML media type and no coding (RFC 9110 §8.3, §8.4)`(
    fields: String, expected: ResponseHead.XMLFault?
  ) {
    let bytes = Array("HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n<a/>".utf8)
    let fault = ResponseHead.xmlFault(bytes.span)
    #expect(fault == expected)
  }
}
