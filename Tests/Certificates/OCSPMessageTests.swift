import Testing

@testable import Certificates

/// OCSP over HTTP, with arbitrary responses.
@Suite struct `OCSP over HTTP` {
  private static func content(_ text: String, hasEnded: Bool = false) throws(ResponderFailure) -> [UInt8]? {
    try OCSPMessage.content(of: Array(text.utf8).span, hasEnded: hasEnded)
  }

  @Test func `a request is posted with its length, to the responder's path and host`() throws {
    let responder = try #require(ResponderURL("http://ocsp.test:8080/a?b"))
    let request = String(decoding: OCSPMessage.request(Array("DER".utf8), to: responder), as: UTF8.self)
    #expect(request.hasPrefix("POST /a?b HTTP/1.0\r\nHost: ocsp.test:8080\r\n"))
    #expect(request.hasSuffix("\r\nContent-Length: 3\r\n\r\nDER"))
  }

  @Test func `a response is complete at its length, and not before`() throws {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"
    for count in 0..<answer.utf8.count {
      #expect(try OCSPMessage.content(of: Array(answer.utf8.prefix(count)).span, hasEnded: false) == nil)
    }
    #expect(try Self.content(answer) == Array("abcd".utf8))
    #expect(try Self.content(answer + "more") == Array("abcd".utf8))
  }

  @Test func `a truncated response has no content`() throws {
    #expect(try Self.content("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabc", hasEnded: true) == nil)
    #expect(try Self.content("HTTP/1.0 200 OK\r\nContent-", hasEnded: true) == nil)
    #expect(try Self.content("", hasEnded: true) == nil)
  }

  @Test func `a response without a length ends with the connection`() throws {
    let answer = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\nabc"
    #expect(try Self.content(answer) == nil)
    #expect(try Self.content(answer, hasEnded: true) == Array("abc".utf8))
  }

  @Test func `a status other than 200, and malformed HTTP, is refused with the reason`() {
    #expect(throws: ResponderFailure("the responder answers with status 503")) {
      _ = try Self.content("HTTP/1.0 503 Busy\r\n\r\n")
    }
    #expect {
      _ = try Self.content("HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n")
    } throws: {
      ($0 as? ResponderFailure)?.reason.hasPrefix("malformed answer: ") == true
    }
  }
}
