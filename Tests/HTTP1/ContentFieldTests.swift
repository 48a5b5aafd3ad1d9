import HTTP1
import Testing

@Suite struct `An answer's content` {
  @Test(arguments: [
    ("Content-Type: text/xml", true), ("content-type:TEXT/XML;charset=UTF-8", true),
    ("Content-Type: \ttext/xml ; charset=UTF-8", true), ("Content-Type: text/xml\r\nContent-Encoding: Identity", true),
    ("Content-Encoding: identity\r\nContent-Type: text/xml", true), ("Server: a", false),
    ("Content-Type: text/xmls", false), ("Content-Type: text/html", false), ("Content-Type:", false),
    ("Content-Type: a; b=text/xml", false), ("Content-Type: text/xml\r\nContent-Encoding: gzip", false),
    ("Content-Encoding: gzip\r\nContent-Type: text/xml", false), ("Content-Encoding:\r\nContent-Type: text/xml", false),
    ("Content-Type: text/xml\r\nContent-Encoding: identity, br", false),
    ("Content-Type: text/xml\r\nContent-Type: text/html", false),
    ("Content-Type: text/html\r\nContent-Type: text/xml", false), ("X-Content-Type: text/xml", false),
  ])
  func `is XML when its one type says so and no coding is on it, RFC 9110 §8.3, §8.4`(fields: String, isXML: Bool) {
    let bytes = Array("HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n<a/>".utf8)
    let announced = ResponseHead.announcesXML(bytes.span)
    #expect(announced == isXML)
  }
}
