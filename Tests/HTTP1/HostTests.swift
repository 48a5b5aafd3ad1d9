import HTTP1
import Testing
import Wire

struct HostTests {
  @Test(arguments: [
    Verdict.good("view.domain.local", "RFC 9110 §7.2"),
    .good("view.domain.local:443", "RFC 9110 §7.2"),
    .good("VIEW_1.domain.local.", "RFC 3986 §3.2.2: unreserved"),
    .good("192.0.2.1:8443", "RFC 3986 §3.2.2"),
    .good("[2001:db8::1]", "RFC 3986 §3.2.2"),
    .good("[::ffff:192.0.2.1]:65535", "RFC 3986 §3.2.2"),
    .good("a:1", "RFC 9110 §7.2"),
    .good("", "RFC 9112 §3.2: empty when there is no name to ask for"),
    .good("\t", "RFC 9112 §3.2"),
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
    .bad("a~b", .hostMalformed, "in no host name that a service can have"),
    .bad("ä", .hostMalformed, "RFC 3986 §3.2.2: ASCII"),
    .bad("[2001:db8::1", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("[]", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("[192.0.2.1]", .hostMalformed, "RFC 3986 §3.2.2: brackets are for IPv6"),
    .bad("[fe80::1%25eth0]", .hostMalformed, "RFC 6874: zones are local"),
    .bad("[v1.a]", .hostMalformed, "RFC 3986 §3.2.2: IPvFuture has no future"),
    .bad("[::1]a", .hostMalformed, "RFC 3986 §3.2.2"),
    .bad("2001:db8::1", .hostMalformed, "RFC 3986 §3.2.2: brackets"),
  ])
  func `Host is a host with an optional port (RFC 9110 §7.2)`(row: Verdict) {
    for version in ["1.0", "1.1"] {
      expectRequest(
        Verdict(
          input: "GET / HTTP/\(version)\r\nHost: \(row.input)\r\n\r\n", rejection: row.rejection, source: row.source))
    }
  }

  @Test func `Host has the bytes of a host name, in whatever position`() {
    for byte in UInt8.min...UInt8.max where byte != UInt8(ascii: ":") {
      for before in 1...9 {
        var input = Array("GET / HTTP/1.1\r\nHost: ".utf8) + Array(repeating: UInt8(ascii: "a"), count: before)
        input += [byte] + Array("bcdefgh\r\n\r\n".utf8)
        let isAccepted = RequestHead.parse(input.span, limits: HeadLimits()).head != nil
        #expect(isAccepted == HostName.isNameByte(byte), "\(byte) after \(before)")
      }
    }
  }

  @Test(arguments: [
    Verdict.bad("GET / HTTP/1.1\r\n\r\n", .hostMissing, "RFC 9112 §3.2: 400 to HTTP/1.1 without Host"),
    .bad("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .hostRepeated, "RFC 9112 §3.2: 400 to more than one"),
    .bad("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", .hostRepeated, "RFC 9112 §3.2"),
    .bad("GET http://a/ HTTP/1.0\r\n\r\n", .hostMissing, "nothing says which host the server is to see"),
    .bad("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n", .hostRepeated, "RFC 9112 §3.2: an empty one is one"),
    .bad("GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n", .hostRepeated, "RFC 9112 §3.2"),
    .bad("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", .targetAuthorityNotHost, "RFC 9112 §3.2.2"),
    .bad("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .spaceBeforeColon, "RFC 9112 §5.1"),
    .bad("GET / HTTP/1.1\r\nX: y\r\n Host: a\r\n\r\n", .lineFolding, "RFC 9112 §5.2"),
    .bad("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", .targetAuthorityNotHost, "RFC 9112 §3.2.2"),
    .good("GET http://A:8/ HTTP/1.1\r\nHost: a:8\r\n\r\n", "RFC 9112 §3.2.2: hosts have no case"),
  ])
  func `there is exactly one Host, and the target agrees with it (RFC 9112 §3.2)`(row: Verdict) {
    expectRequest(row)
  }

  @Test(arguments: [
    ("HOST: \t a:1 ", "HOST:a:1"), ("Host:\ta:1", "Host:a:1"), ("Host: a:1\t", "Host: a:1"), ("host: a:1", "host: a:1"),
    ("Host:a:1", "Host:a:1"),
  ])
  func `Host is forwarded without white space that a server might read as a part of it (RFC 9112 §5.1)`(
    sent: String, seen: String
  ) throws {
    let input = bytes("GET / HTTP/1.1\r\n\(sent)\r\nA: \t b \r\n\r\n")
    let head = try #require(RequestHead.parse(input.span, limits: HeadLimits()).head)
    #expect(text(input, head.host) == "a:1")
    let output = try #require(forwarded(text(input)))
    #expect(output.hasPrefix("GET / HTTP/1.1\r\n\(seen)\r\nA: \t b \r\n"))
    #expect(output.hasSuffix("X-Forwarded-Host: a:1\r\n\r\n"))
  }

  @Test func `an empty Host is forwarded empty, and matches no name`() throws {
    for sent in ["Host:", "Host: ", "Host:\t "] {
      let output = try #require(forwarded("HEAD /favicon.ico HTTP/1.1\r\n\(sent)\r\n\r\n"))
      #expect(output.hasPrefix("HEAD /favicon.ico HTTP/1.1\r\nHost:") && !output.contains("Forwarded-Host"))
      #expect(!output.contains("\t"))
    }
  }

  /// The names of a configuration: the service's, a second one, a certificate's.
  static let served = ServedHosts(["view.domain.local", "192.0.2.7", "[2001:db8::7]", "*.example.com", "b.example.org"])

  @Test(arguments: [
    ("view.domain.local", true), ("VIEW.domain.local", true), ("view.domain.local:443", true),
    ("view.domain.local.:8443", true), ("view.domain.local.", true), ("", true), ("a.example.com", true),
    ("A.Example.COM.:1", true), ("b.example.org", true),
    // Any address names the machine, not a site.
    ("192.0.2.7", true), ("198.51.100.1:8443", true), ("[2001:db8::7]", true), ("[::1]:443", true),
    ("view.domain.loca", false), ("view.domain.locale", false), ("evil.view.domain.local", false),
    ("view.domain.local.evil", false), ("example.com", false), (".example.com", false), ("a.b.example.com", false),
    ("view", false), ("1.2.3", false), ("1.2.3.4.5", false), ("*.example.com", false), (".", false),
  ])
  func `a service accepts its names and addresses (RFC 9110 §15.5.20)`(host: String, isServed: Bool) {
    #expect(Self.served.serves(host) == isServed)
  }

  static let table = HostTable([
    ("view02.domain.local", 2), ("VIEW01.domain.local", 1), ("view01", 3), ("[2001:db8::7]", 4),
    ("view01.domain.local", 9),
  ])

  @Test(arguments: [
    ("view01.domain.local", 1), ("View01.DOMAIN.local.", 1), ("view02.domain.local:5001", 2),
    ("view02.domain.local.:1", 2), ("view01", 3), ("[2001:DB8::7]:443", 4), ("view", nil), ("view01.", 3),
    ("view01.domain", nil), ("view01.domain.locals", nil), ("view03.domain.local", nil), ("a", nil), ("z", nil),
    ("", nil), (".", nil), ("a b", nil),
  ])
  func `a host is found in a table in any form of Host, and nothing else is`(host: String, number: Int?) {
    #expect(Self.table.number(ofHost: bytes(host).span) == number)
  }

  @Test(arguments: [0, 1, 2, 3, 4096])
  func `every host of a large table is found`(count: Int) {
    let table = HostTable((0..<count).map { ("view\($0).domain.local", $0) }.reversed())
    for number in 0..<count { #expect(table.number(ofHost: bytes("view\(number).domain.local:443").span) == number) }
    #expect(table.number(ofHost: bytes("view\(count).domain.local").span) == nil)
  }

  @Test func `a service without names accepts addresses`() {
    #expect(!ServedHosts([]).serves("a"))
    #expect(ServedHosts([]).serves("192.0.2.7"))
  }
}

extension ServedHosts {
  /// `contains` of a text, which `#expect` can call.
  fileprivate func serves(_ host: String) -> Bool { contains(bytes(host).span) }
}
