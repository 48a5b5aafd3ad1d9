import HTTP1
import Testing
import Wire

@Suite struct `The Date field` {
  @Test(
    arguments: [
      ("Date: Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"),
      ("dAtE:Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"),
      ("Server: x\r\nDate: Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59.000Z"),
      ("Date: Wed, 30 Feb 2024 23:59:59 GMT", nil), ("Date: Sunday, 06-Nov-94 08:49:37 GMT", nil),
      ("Date: Sun, 06 Nov 1994 08:49:37 UTC", nil), ("Date: Sun, 06 Nov 1994 8:49:37 GMT ", nil), ("Date:", nil),
      ("Dates: Sun, 06 Nov 1994 08:49:37 GMT", nil), ("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", nil),
      ("Date: \u{e9}un, 06 Nov 1994 08:49:37 GM", nil),
    ] as [(String, String?)])
  func `a time is read in the preferred format, RFC 9110 §5.6.7`(field: String, expected: String?) throws {
    let bytes = Array("HTTP/1.1 200 OK\r\n\(field)\r\nContent-Length: 0\r\n\r\n".utf8)
    guard case .head(let head) = ResponseHead.parse(bytes.span, to: AnsweredRequest(), limits: HeadLimits()) else {
      Issue.record("no head")
      return
    }
    #expect(head.date(in: bytes.span)?.description == expected)
  }
}
