import HTTP1
import Testing

struct HostTests {
  @Test(arguments: [
    Verdict.good("view.domain.local", "RFC 9110 §7.2"),
    .good("view.domain.local:443", "RFC 9110 §7.2"),
    .good("VIEW_1.domain.local.", "RFC 3986 §3.2.2: unreserved"),
    .good("192.0.2.1:8443", "RFC 3986 §3.2.2"),
    .good("[2001:db8::1]", "RFC 3986 §3.2.2"),
    .good("[::ffff:192.0.2.1]:65535", "RFC 3986 §3.2.2"),
    .good("a:1", "RFC 9110 §7.2"),
    .bad("", .hostMalformed, "RFC 9110 §4.2.1: an empty host is invalid"),
    .bad(":443", .hostMalformed, "RFC 9110 §4.2.1"),
    .bad("a:", .hostMalformed, "an empty port"),
    .bad("a:0", .hostMalformed, "no such port"),
    .bad("a:65536", .hostMalformed, "no such port"),
    .bad("a:000443", .hostMalformed, "no such port"),
    .bad("a:+80", .hostMalformed, "RFC 3986 §3.2.3: digits"),
    .bad("a:80:80", .hostMalformed, "RFC 3986 §3.2.3"),
    .bad("a b", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("a, b", .hostMalformed, "two hosts in one line"),
    .bad("a,b", .hostMalformed, "two hosts in one line"),
    .bad("u@a", .hostMalformed, "RFC 9110 §4.2.4: userinfo"),
    .bad("http://a", .hostMalformed, "RFC 9110 §7.2"),
    .bad("a/b", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("a?b", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("a#b", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("a%2e", .hostMalformed, "percent-encoding is read in more than one way"),
    .bad("ä", .hostMalformed, "RFC 3986 §3.2.2: ASCII"),
    .bad("[2001:db8::1", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("[]", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("[192.0.2.1]", .hostMalformed, "RFC 3986 §3.2.2: brackets are for IPv6"),
    .bad("[fe80::1%25eth0]", .hostMalformed, "RFC 6874: zones are local"),
    .bad("[v1.a]", .hostMalformed, "RFC 3986 §3.2.2: IPvFuture has no future"),
    .bad("[::1]a", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("2001:db8::1", .hostMalformed, "RFC 3986 §3.2.2: brackets"),
  ])
  func `Host is one host and perhaps a port (RFC 9110 §7.2)`(row: Verdict) {
    for version in ["1.0", "1.1"] {
      expectRequest(
        Verdict(
          input: "GET / HTTP/\(version)\r\nHost: \(row.input)\r\n\r\n", rejection: row.rejection, source: row.source))
    }
  }

  @Test(arguments: [
    Verdict.bad("GET / HTTP/1.1\r\n\r\n", .hostMissing, "RFC 9112 §3.2: 400 to HTTP/1.1 without Host"),
    .bad("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .hostRepeated, "RFC 9112 §3.2: 400 to more than one"),
    .bad("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", .hostRepeated, "RFC 9112 §3.2"),
    .bad("GET http://a/ HTTP/1.0\r\n\r\n", .hostMissing, "nothing says which host the server is to see"),
    .bad("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .spaceBeforeColon, "RFC 9112 §5.1"),
    .bad("GET / HTTP/1.1\r\nX: y\r\n Host: a\r\n\r\n", .lineFolding, "RFC 9112 §5.2"),
    .bad("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", .targetAuthorityNotHost, "RFC 9112 §3.2.2"),
    .good("GET http://A:8/ HTTP/1.1\r\nHost: a:8\r\n\r\n", "RFC 9112 §3.2.2: hosts have no case"),
  ])
  func `there is one Host, and the target agrees with it (RFC 9112 §3.2)`(row: Verdict) {
    expectRequest(row)
  }

  @Test func `Host is given without the white space around it, and forwarded untouched`() throws {
    let input = bytes("GET / HTTP/1.1\r\nHOST: \t a:1 \r\n\r\n")
    let head = try #require(RequestHead.parse(input.span, limits: HeadLimits()).head)
    #expect(text(input, head.host) == "a:1")
    #expect(try #require(forwarded(text(input))).contains("HOST: \t a:1 \r\n"))
  }
}
