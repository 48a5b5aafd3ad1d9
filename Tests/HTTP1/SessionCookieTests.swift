import HTTP1
import Testing

struct SessionCookieTests {
  @Test(
    arguments: [
      ([], nil),
      (["Cookie: JSESSIONID=abc"], "abc"),
      (["cookie:JSESSIONID=abc"], "abc"),
      (["Cookie: a=1; JSESSIONID=abc; b=2"], "abc"),
      (["Cookie: a=1;JSESSIONID=abc;b=2"], "abc"),
      (["Cookie:  JSESSIONID \t=\t abc \t; b=2"], "abc"),
      (["Cookie: a=1", "Cookie: JSESSIONID=abc"], "abc"),
      (["Cookie: JSESSIONID=first; JSESSIONID=second"], "first"),
      (["Cookie: JSESSIONID=; JSESSIONID=second"], "second"),
      (["Cookie: JSESSIONID=a=b=="], "a=b=="),
      (["Cookie: JSESSIONID=\"a b\""], "\"a b\""),
      (["Cookie: JSESSIONID=\"a;b\""], "\"a"),
      (["Cookie: JSESSIONID=é"], "é"),
      (["Cookie: jsessionid=abc"], nil),
      (["Cookie: XJSESSIONID=abc; JSESSIONIDX=abc"], nil),
      (["Cookie: JSESSIONID"], nil),
      (["Cookie: JSESSIONID="], nil),
      (["Cookie: a=JSESSIONID=abc"], nil),
      (["Cookie: ;;=;=x; ;"], nil),
      (["Cookie:"], nil),
      (["Cookie2: JSESSIONID=abc", "X-Cookie: JSESSIONID=abc", "Set-Cookie: JSESSIONID=abc"], nil),
    ] as [([String], String?)])
  func `the cookie of a request is the value that a user agent sends (RFC 6265 §5.4)`(lines: [String], value: String?)
    throws
  {
    let input = bytes(
      "\r\nGET /JSESSIONID HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\nCookie: a=b\r\n")
    let head = try #require(RequestHead.parse(input.span, limits: HeadLimits()).head)
    let cookie = try #require(SessionCookie(name: "JSESSIONID"))
    #expect(cookie.value(in: head, of: input.span).map { text(input, $0) } == value)
  }

  @Test(
    arguments: [
      ([], nil),
      (["Set-Cookie: JSESSIONID=abc; Path=/; Secure; HttpOnly"], "abc"),
      (["set-cookie: JSESSIONID = abc"], "abc"),
      (["Set-Cookie: JSESSIONID=abc; Max-Age=3600"], "abc"),
      (["Set-Cookie: other=1", "Set-Cookie: JSESSIONID=abc"], "abc"),
      (["Set-Cookie: JSESSIONID=first; Path=/a", "Set-Cookie: JSESSIONID=second; Path=/b"], "second"),
      (["Set-Cookie: JSESSIONID=abc; Max-Age=0"], nil),
      (["Set-Cookie: JSESSIONID=abc; max-age = 00 ; Path=/"], nil),
      (["Set-Cookie: JSESSIONID=abc; Max-Age=-1"], nil),
      (["Set-Cookie: JSESSIONID=abc; Max-Age=0; Max-Age=10"], "abc"),
      (["Set-Cookie: JSESSIONID=abc; Max-Age=soon"], "abc"),
      (["Set-Cookie: JSESSIONID=abc; Max-Age"], "abc"),
      (["Set-Cookie: JSESSIONID=abc", "Set-Cookie: JSESSIONID=abc; Max-Age=0"], nil),
      (["Set-Cookie: JSESSIONID=abc", "Set-Cookie: JSESSIONID=; Path=/"], "abc"),
      (["Set-Cookie: other=1; JSESSIONID=abc"], nil),
      (["Set-Cookie: JSESSIONID"], nil),
      (["Set-Cookie:"], nil),
      (["Cookie: JSESSIONID=abc", "Set-Cookie2: JSESSIONID=abc"], nil),
    ] as [([String], String?)])
  func `the cookie of an answer is the value that a user agent stores (RFC 6265 §5.2, §5.3)`(
    lines: [String], value: String?
  ) throws {
    let input = bytes(
      "HTTP/1.1 200 OK\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\nSet-Cookie: JSESSIONID=body\r\n")
    _ = try #require(ResponseHead.parse(input.span, to: AnsweredRequest(), limits: HeadLimits()).head)
    let cookie = try #require(SessionCookie(name: "JSESSIONID"))
    #expect(cookie.value(setByAnswer: input.span).map { text(input, $0) } == value)
  }

  @Test(arguments: ["", " ", "a b", "a;b", "a=b", "ä", "a\r\n"])
  func `a name that is not a token names no cookie (RFC 6265 §4.1.1)`(name: String) {
    #expect(SessionCookie(name: name) == nil)
  }
}
