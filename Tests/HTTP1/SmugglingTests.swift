import HTTP1
import Testing

/// Known kinds of request smuggling and response splitting, as published. None is forwarded, and a message that
/// is forwarded has a single interpretation.
struct SmugglingTests {
  @Test(arguments: [
    // CL.TE, TE.CL, TE.TE (Linhart and others 2005, Kettle 2019).
    "Content-Length: 6\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3",
    "Transfer-Encoding: chunked\r\nTransfer-encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
    "X: X\nTransfer-Encoding: chunked", "X: X\rTransfer-Encoding: chunked", " Transfer-Encoding: chunked",
    "Transfer-Encoding:\u{b}chunked", "Transfer-Encoding:\u{c}chunked", "Transfer-Encoding: chunked\u{0}",
    "Transfer-Encoding: \u{0}chunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked, cow", "Transfer-Encoding: cow, chunked", "Transfer-Encoding: chunked;x",
    "Transfer-Encoding:\r\n chunked", "Transfer-Encoding:\r\n\tchunked", "Transfer\u{0}-Encoding: chunked",
    "Transfer-Encoding: chun\u{e9}ked", "Transfer-\u{e9}ncoding: chunked", "Transfer Encoding: chunked",
    "Transfer_Encoding: chunked", "Transfer.Encoding: chunked", "Foo: bar\r\n\rTransfer-Encoding: chunked",
    "Transfer-Encoding: \u{85}chunked\u{0}", "\u{0}Transfer-Encoding: chunked", ":Transfer-Encoding: chunked",
    "Transfer-Encoding\r\n: chunked", "Transfer-Encoding",
    "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    // CL.CL and odd lengths (CVE-2021-40346, CVE-2022-22720 and kin).
    "Content-Length: 0\r\nContent-Length: 44", "Content-Length: 0, 44", "Content-Length: +44", "Content-Length: 4 4",
    "Content-Length: 0x2c", "Content-Length: 44_", "Content-Length: 4\u{0}4", "Content-Length: \u{b}44",
    "Content_Length: 44", "Content-Length\u{0}: 44", "Content-Length: 44abc", "Content-Length: -1",
    "Content-Length: 9223372036854775808", "Content-Length: 18446744073709551660", "Content-Length: 044",
    "Content-Length :44", "Content-Length:\r\n 44", "Connection: Content-Length\r\nContent-Length: 44",
    // Host and authority (host of troubles, 2016).
    "Host: b", "host: b", "Host : b", "X: y\r\n Host: b", "Connection: Host", "\u{0}Host: b", "Host\u{0}: b",
    // Expect (Kettle 2025).
    "Expect: y 100-continue", "Expect: 100-continue, x", "Expect: x", "Expect: 100-continue\r\nExpect: 100-continue",
    // Empty names (CVE-2023-25725), and hop-by-hop abuse (Davison 2019).
    ": x", "\r", "Connection: close, X-Forwarded-For", "Connection: Cookie", "Connection: X-Real-IP",
  ])
  func `known encodings of a second request in one are refused`(lines: String) {
    let parsed = parseRequest("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\nX: y\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n")
    #expect(parsed.rejection != nil)
  }

  @Test(arguments: [
    "GET / HTTP/1.1 HTTP/1.1", "GET / HTTP/1.1\u{0}", "GET /\r / HTTP/1.1", "GET / \u{b}HTTP/1.1",
    "GET /\u{a0}HTTP/1.1",
    "GET http://b/ HTTP/1.1", "GET http://a@b/ HTTP/1.1", "GET http://b\\@a/ HTTP/1.1", "GET @b/ HTTP/1.1",
    "GET //b:80#/ HTTP/1.1", "CONNECT a:443 HTTP/1.1", "PRI * HTTP/2.0", "GET /?\u{0} HTTP/1.1",
  ])
  func `known encodings of a second target in one request are refused`(line: String) {
    #expect(parseRequest("\(line)\r\nHost: a\r\n\r\n").rejection != nil)
  }

  @Test(arguments: [
    "Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5, 5", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip",
    "X: y\nSet-Cookie: a", "X: y\rSet-Cookie: a", "X: y\r\n Set-Cookie: a", "X : y", "X: \u{0}", "Set-Cookie",
    "Transfer_Encoding: chunked",
  ])
  func `known encodings of a second answer in one are refused`(lines: String) {
    #expect(parseResponse("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\nhello").rejection != nil)
  }

  /// Published in 2025 as TERM.EXT, EXT.TERM, TERM.SPILL, SPILL.TERM, and the older size tricks.
  @Test(arguments: [
    "2;\nxx\r\n4c\r\n0\r\n\r\n", "2\nxx\r\n0\r\n\r\n", "2\r\rxx\r\n0\r\n\r\n", "2\rXxx\r\n0\r\n\r\n",
    "2;a\rbxx\r\n0\r\n\r\n",
    "5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n", "2\r\nxx\n0\r\n\r\n", "2\r\nxx\r\r0\r\n\r\n", "2\r\nxx\r\n0\n\r\n",
    "2\r\nxx\r\n0\r\n\n",
    "0x2\r\nxx\r\n0\r\n\r\n", "+2\r\nxx\r\n0\r\n\r\n", " 2\r\nxx\r\n0\r\n\r\n", "2 \r\nxx\r\n0\r\n\r\n",
    "2\t;a\nxx\r\n0\r\n\r\n", "2 ;\nxx\r\n0\r\n\r\n", "2 2\r\nxx\r\n0\r\n\r\n", "2 ;a \r\nxx\r\n0\r\n\r\n",
    "f0000000000000002\r\nxx\r\n0\r\n\r\n", "10000000000000002\r\nxx\r\n0\r\n\r\n", "-2\r\nxx\r\n0\r\n\r\n",
    "2\u{0}\r\nxx\r\n0\r\n\r\n",
    "\r\n0\r\n\r\n", "2,\r\nxx\r\n0\r\n\r\n", "2;a=\"\r\n\"\r\nxx\r\n0\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n",
    "0\r\nX: y\nHost: b\r\n\r\n", "0\r\n X: y\r\n\r\n",
  ])
  func `known encodings of a second body in one are refused`(body: String) {
    var tracker = BodyTracker(.chunked)
    let state = tracker.advance(over: bytes(body).span).state
    guard case .malformed = state else {
      Issue.record("\(state)")
      return
    }
  }
}
