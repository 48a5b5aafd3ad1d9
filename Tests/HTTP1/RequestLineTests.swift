import HTTP1
import Testing

struct RequestLineTests {
  /// A request with this first line, and a Host.
  static func head(_ line: String) -> String { line + "\r\nHost: a\r\n\r\n" }

  @Test(
    arguments: [
      (
        "GET /path/x?q=/?&r HTTP/1.1", Method.get, TargetForm.origin, "/path/x", "/path/x?q=/?&r"
      ),
      ("HEAD / HTTP/1.1", .head, .origin, "/", "/"),
      ("POST //a//b HTTP/1.1", .post, .origin, "//a//b", "//a//b"),
      ("PUT /%00%zz\"<>\\^`{|}~ HTTP/1.1", .put, .origin, "/%00%zz\"<>\\^`{|}~", "/%00%zz\"<>\\^`{|}~"),
      ("DELETE /? HTTP/1.1", .delete, .origin, "/", "/?"),
      ("OPTIONS * HTTP/1.1", .options, .asterisk, "", ""),
      ("PATCH http://a/p?q HTTP/1.1", .patch, .absolute, "/p", "/p?q"),
      ("GET HTTPS://A HTTP/1.1", .get, .absolute, "", ""),
      ("GET http://a?q=/ HTTP/1.1", .get, .absolute, "", "?q=/"),
      ("M-SEARCH / HTTP/1.1", .other, .origin, "/", "/"),
      ("UPDATEREDIRECTREF / HTTP/1.1", .other, .origin, "/", "/"),
    ])
  func `methods and targets have the grammar of RFC 9112 §3`(
    line: String, method: Method, form: TargetForm, path: String, pathAndQuery: String
  ) throws {
    let input = bytes(Self.head(line))
    let head = try #require(RequestHead.parse(input.span, limits: HeadLimits()).head)
    #expect(head.method == method)
    #expect(head.targetForm == form)
    #expect(text(input, head.path) == path)
    #expect(text(input, head.pathAndQuery) == pathAndQuery)
    #expect(text(input, head.methodName) == line.split(separator: " ")[0])
    #expect(text(input, head.target) == line.split(separator: " ")[1])
    #expect(head.length == input.count)
  }

  @Test(arguments: [
    Verdict.bad("GET  / HTTP/1.1", .requestLineMalformed, "RFC 9112 §3: exactly one SP"),
    .bad("GET /  HTTP/1.1", .versionMalformed, "RFC 9112 §3: exactly one SP"),
    .bad(" GET / HTTP/1.1", .requestLineMalformed, "RFC 9112 §3"),
    .bad("GET\t/ HTTP/1.1", .requestLineMalformed, "RFC 9112 §3: SP, not HTAB"),
    .bad("GET /\tHTTP/1.1", .targetMalformed, "RFC 9112 §3: SP, not HTAB"),
    .bad("GET /\u{b}HTTP/1.1", .targetMalformed, "RFC 9112 §3: SP, not VT"),
    .bad("GET / HTTP/1.1 ", .versionMalformed, "RFC 9112 §3: nothing behind the version"),
    .bad("GET /a b HTTP/1.1", .versionMalformed, "RFC 9112 §3.2: no white space in the target"),
    .bad("GET", .requestLineMalformed, "RFC 9112 §3"),
    .bad("GET /", .requestLineMalformed, "HTTP/0.9 is not spoken"),
    .bad("GET / ", .versionMalformed, "HTTP/0.9 is not spoken"),
    .bad("/ HTTP/1.1", .requestLineMalformed, "RFC 9112 §3: a method first"),
    .bad("G\u{0}T / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("GET\u{0} / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("GET\u{0}\u{0} / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("POST\u{0} / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("PATCH\u{0}\u{0} / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("DELETE\u{0} / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("G@T / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("GÉT / HTTP/1.1", .requestLineMalformed, "RFC 9110 §5.6.2: a token"),
    .bad("get / HTTP/1.1", .methodUnknown, "RFC 9110 §9.1: methods are case-sensitive"),
    .bad("Head / HTTP/1.1", .methodUnknown, "RFC 9110 §9.1: methods are case-sensitive"),
    .bad("G_T / HTTP/1.1", .methodUnknown, "no registered method has more than letters, digits, hyphens"),
    .bad("ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1", .methodUnknown, "RFC 9112 §3: longer than any implemented"),
    .bad("CONNECT a:443 HTTP/1.1", .methodNotAllowed, "RFC 9110 §9.3.6: no tunnels to anywhere"),
    .bad("CONNECT / HTTP/1.1", .methodNotAllowed, "RFC 9110 §9.3.6"),
    .bad("TRACE / HTTP/1.1", .methodNotAllowed, "RFC 9110 §9.3.8: would disclose credentials"),
    .bad("GET /\u{0} HTTP/1.1", .targetMalformed, "RFC 3986: no controls"),
    .bad("GET /\u{7f} HTTP/1.1", .targetMalformed, "RFC 3986: no DEL"),
    .bad("GET /é HTTP/1.1", .targetMalformed, "RFC 3986: ASCII"),
    .bad("GET /a#b HTTP/1.1", .targetMalformed, "RFC 9112 §3.2: no fragment"),
    .bad("GET /a?b#c HTTP/1.1", .targetMalformed, "RFC 9112 §3.2: no fragment"),
    .bad("GET * HTTP/1.1", .targetMalformed, "RFC 9112 §3.2.4: only with OPTIONS"),
    .bad("OPTIONS *a HTTP/1.1", .targetMalformed, "RFC 9112 §3.2.4"),
    .bad("GET a HTTP/1.1", .targetMalformed, "RFC 9112 §3.2: no form of a target"),
    .bad("GET ?a HTTP/1.1", .targetMalformed, "RFC 9112 §3.2.1: an absolute path"),
    .bad("GET a:443 HTTP/1.1", .targetMalformed, "RFC 9112 §3.2.3: only with CONNECT"),
    .bad("GET ftp://a/ HTTP/1.1", .targetMalformed, "neither http nor https"),
    .bad("GET http:/a HTTP/1.1", .targetMalformed, "RFC 9110 §4.2.1"),
    .bad("GET http:///a HTTP/1.1", .targetAuthorityMalformed, "RFC 9110 §4.2.1: no empty host"),
    .bad("GET http://u@a/ HTTP/1.1", .targetAuthorityMalformed, "RFC 9110 §4.2.4: no userinfo"),
    .bad("GET http://b/ HTTP/1.1", .targetAuthorityNotHost, "RFC 9112 §3.2: Host is the target's authority"),
    .bad("GET http://a:80/ HTTP/1.1", .targetAuthorityNotHost, "RFC 9112 §3.2: Host is the target's authority"),
    .bad("GET / http/1.1", .versionMalformed, "RFC 9112 §2.3: case-sensitive"),
    .bad("GET / HTTP/1.10", .versionMalformed, "RFC 9112 §2.3: one digit"),
    .bad("GET / HTTP/11.1", .versionMalformed, "RFC 9112 §2.3: one digit"),
    .bad("GET / HTTP/1,1", .versionMalformed, "RFC 9112 §2.3"),
    .bad("GET / HTTP/ 1.1", .versionMalformed, "RFC 9112 §2.3"),
    .bad("GET / HTTP/+1.1", .versionMalformed, "RFC 9112 §2.3"),
    .bad("GET / ICAP/1.0", .versionMalformed, "RFC 9112 §2.3"),
    .bad("GET / HTTP/1.2", .versionNotSupported, "RFC 9110 §15.6.6"),
    .bad("GET / HTTP/0.9", .versionNotSupported, "RFC 9110 §15.6.6"),
    .bad("GET / HTTP/2.0", .versionNotSupported, "RFC 9110 §15.6.6"),
    .bad("PRI * HTTP/2.0", .versionNotSupported, "RFC 9113 §3.4: the preface"),
    .bad("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .requestLineMalformed, "a TLS record"),
  ])
  func `a malformed request line is refused`(row: Verdict) {
    expectRequest(Verdict(input: Self.head(row.input), rejection: row.rejection, source: row.source))
  }

  @Test(arguments: [
    Verdict.bad("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("GET / HTTP/1.1\rHost: a\r\r", .bareCarriageReturn, "RFC 9112 §2.2"),
    .bad("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineMalformed, "RFC 9112 §2.2: one empty line"),
    .bad("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineMalformed, "RFC 9112 §2.2"),
    .bad("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLineMalformed, "RFC 9112 §2.2"),
    .good("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "RFC 9112 §2.2: one empty line is ignored"),
    .good("GET / HTTP/1.0\r\n\r\n", "RFC 9112 §3.2: HTTP/1.0 needs no Host"),
  ])
  func `only CRLF ends a line, and one empty line may come first (RFC 9112 §2.2)`(row: Verdict) {
    expectRequest(row)
  }

  @Test func `an ignored empty line counts towards the head and is not forwarded (RFC 9112 §2.2)`() throws {
    let input = "\r\nGET / HTTP/1.0\r\n\r\nrest"
    #expect(parseRequest(input).head?.length == input.utf8.count - 4)
    #expect(try #require(forwarded(input)).hasPrefix("GET / HTTP/1.0\r\nConnection"))
  }

  @Test func `a target beyond its limit is refused with 414, whether complete or not`() {
    let limits = HeadLimits(requestTarget: 10)
    #expect(parseRequest("GET /123456789 HTTP/1.0\r\n\r\n", limits: limits).head != nil)
    #expect(parseRequest("GET /1234567890 HTTP/1.0\r\n\r\n", limits: limits).rejection == .targetTooLong)
    #expect(parseRequest("GET /1234567890", limits: limits).rejection == .targetTooLong)
    #expect(parseRequest("GET /12345678?0", limits: limits).rejection == .targetTooLong)
    #expect(Rejection.targetTooLong.status == .uriTooLong)
  }

  @Test func `a head beyond its limit is refused with 431, or 414 within its first line`() {
    let limits = HeadLimits(bytes: 32)
    let exact = "GET / HTTP/1.0\r\nA: 23456789ab\r\n\r\n"
    #expect(exact.utf8.count == 33)
    #expect(parseRequest(exact, limits: HeadLimits(bytes: 33)).head != nil)
    #expect(parseRequest(exact + "behind", limits: HeadLimits(bytes: 33)).head != nil)
    #expect(parseRequest(exact, limits: limits).rejection == .headTooLarge)
    #expect(parseRequest("\r\nGET /" + String(repeating: "a", count: 40), limits: limits).rejection == .targetTooLong)
    #expect(Rejection.headTooLarge.status == .headerFieldsTooLarge)
  }

  @Test func `limits are capped so that offsets fit into 16 bits`() {
    #expect(HeadLimits(bytes: 1 << 20).bytes == 65_535)
    #expect(
      HeadLimits(bytes: -1, fieldLines: -1, requestTarget: -1) == HeadLimits(bytes: 0, fieldLines: 0, requestTarget: 0))
  }

  @Test(arguments: [
    (Method.get, true), (.head, true), (.put, true), (.delete, true), (.options, true), (.post, false),
    (.patch, false), (.other, false),
  ])
  func `a method is idempotent as in RFC 9110 §9.2.2, an unknown one is not`(method: Method, isIdempotent: Bool) {
    #expect(method.isIdempotent == isIdempotent)
  }
}
