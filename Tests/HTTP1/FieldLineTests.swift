import HTTP1
import Testing

struct FieldLineTests {
  @Test(arguments: [
    Verdict.good("A:", "RFC 9112 §5: an empty value"),
    .good("A:b", "RFC 9112 §5: no white space"),
    .good("A: \t b\tc \t", "RFC 9112 §5: white space around and in the value"),
    .good("A: é\u{ff}", "RFC 9110 §5.5: obs-text"),
    .good("!#$%&'*+-.^_`|~09azAZ: b", "RFC 9110 §5.6.2: every kind of tchar"),
    .good("A: b:c", "RFC 9112 §5: a colon in the value"),
    .bad("A : b", .spaceBeforeColon, "RFC 9112 §5.1: no white space before the colon"),
    .bad("A\t: b", .spaceBeforeColon, "RFC 9112 §5.1"),
    .bad("Transfer-Encoding : chunked", .spaceBeforeColon, "RFC 9112 §5.1"),
    .bad("A B: c", .spaceBeforeColon, "RFC 9110 §5.1: a token"),
    .bad(": b", .fieldNameEmpty, "RFC 9110 §5.1: a token"),
    .bad("A", .colonMissing, "RFC 9112 §5"),
    .bad("A@: b", .fieldNameMalformed, "RFC 9110 §5.6.2"),
    .bad("(A): b", .fieldNameMalformed, "RFC 9110 §5.6.2"),
    .bad("\"A\": b", .fieldNameMalformed, "RFC 9110 §5.6.2"),
    .bad("É: b", .fieldNameMalformed, "RFC 9110 §5.6.2"),
    .bad("A\u{0}: b", .controlCharacter, "RFC 9110 §5.6.2"),
    .bad("A\u{7f}: b", .controlCharacter, "RFC 9110 §5.6.2"),
    .bad("A: b\r\n c", .lineFolding, "RFC 9112 §5.2: obs-fold"),
    .bad("A: b\r\n\tc: d", .lineFolding, "RFC 9112 §5.2: obs-fold"),
    .bad("A: b\r\n \r\nC: d", .lineFolding, "RFC 9112 §5.2: obs-fold of nothing"),
    .bad("A: \u{0}", .controlCharacter, "RFC 9110 §5.5: NUL"),
    .bad("A: b\u{1}c", .controlCharacter, "RFC 9110 §5.5"),
    .bad("A: b\u{b}c", .controlCharacter, "RFC 9110 §5.5: VT"),
    .bad("A: \u{1f}", .controlCharacter, "RFC 9110 §5.5"),
    .bad("A: \u{7f}", .controlCharacter, "RFC 9110 §5.5: DEL"),
    .bad("A: b\rC: d", .bareCarriageReturn, "RFC 9112 §2.2"),
    .bad("A: b\r\r\nC: d", .bareCarriageReturn, "RFC 9112 §2.2"),
    .bad("A: b\nC: d", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("A: b\n", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("A\nB: c", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("\nB: c", .bareLineFeed, "RFC 9112 §2.2"),
    .bad("A\rB: c", .bareCarriageReturn, "RFC 9112 §2.2"),
    .bad("\rB: c", .bareCarriageReturn, "RFC 9112 §2.2"),
  ])
  func `a field line has a single interpretation, in requests and in answers`(row: Verdict) {
    // After other lines, so that every alignment to a word of eight bytes occurs.
    for padding in 0..<9 {
      let line = "X: " + String(repeating: "x", count: padding)
      expectRequest(Verdict(input: request(line, row.input), rejection: row.rejection, source: row.source))
      expectResponse(Verdict(input: response(line, row.input), rejection: row.rejection, source: row.source))
      expectRequest(Verdict(input: request(row.input, line), rejection: row.rejection, source: row.source))
    }
  }

  @Test func `a first field line may not begin with white space (RFC 9112 §2.2)`() {
    expectRequest(.bad("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .lineFolding, ""))
    expectResponse(.bad("HTTP/1.1 200 OK\r\n\tA: b\r\n\r\n", .lineFolding, ""))
  }

  @Test func `every octet is treated alike at any position of a value (RFC 9110 §5.5)`() {
    for octet in UInt8.min...UInt8.max {
      let isGood = octet == 0x09 || octet >= 0x20 && octet != 0x7f
      for place in 0..<19 {
        var input = bytes("GET / HTTP/1.0\r\nA: ")
        input += Array(repeating: UInt8(ascii: "x"), count: place) + [octet]
        input += bytes("xxxxxxxxx\r\n\r\n")
        let parsed = RequestHead.parse(input.span, limits: HeadLimits())
        #expect((parsed.head != nil) == isGood, "octet \(octet) at \(place)")
        #expect((parsed.rejection != nil) == !isGood, "octet \(octet) at \(place)")
      }
    }
  }

  @Test func `every octet is treated alike at any position of a name (RFC 9110 §5.6.2)`() {
    let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    for octet in UInt8.min...UInt8.max where octet != UInt8(ascii: ":") {
      for place in 0..<19 {
        var input = bytes("GET / HTTP/1.0\r\n")
        input += Array(repeating: UInt8(ascii: "x"), count: place) + [octet]
        input += bytes("xxxxxxxxx: v\r\n\r\n")
        let parsed = RequestHead.parse(input.span, limits: HeadLimits())
        #expect((parsed.head != nil) == tokens.contains(octet), "octet \(octet) at \(place)")
      }
    }
  }

  @Test func `every octet is treated alike at any position of a target`() {
    for octet in UInt8.min...UInt8.max where octet != UInt8(ascii: " ") {
      let isGood = octet > 0x20 && octet < 0x7f && octet != UInt8(ascii: "#")
      for place in 0..<19 {
        for start in ["/", "/?"] {
          var input = bytes("GET " + start)
          input += Array(repeating: UInt8(ascii: "x"), count: place) + [octet]
          input += bytes("xxxxxxxxx HTTP/1.0\r\n\r\n")
          let parsed = RequestHead.parse(input.span, limits: HeadLimits())
          #expect((parsed.head != nil) == isGood, "octet \(octet) at \(place)")
        }
      }
    }
  }

  @Test(arguments: [
    "Transfer_Encoding: chunked", "transfer.encoding: x", "Content_Length: 5", "CONTENT~LENGTH: 5",
    "X_Forwarded_For: 192.0.2.7", "X-Forwarded_For: 192.0.2.7", "X_Forwarded_Anything: a", "X_Real_IP: 192.0.2.7",
    "Proxy_Connection: close", "Keep+Alive: 5",
  ])
  func `a name that a CGI server reads as an interpreted field is refused`(line: String) {
    expectRequest(.bad(request(line), .fieldNameDisguised, line))
  }

  @Test func `more field lines than the limit are refused (RFC 6585 §5)`() {
    let limits = HeadLimits(fieldLines: 3)
    #expect(parseRequest(request("A: b", "C: d"), limits: limits).head != nil)
    #expect(parseRequest(request("A: b", "C: d", "E: f"), limits: limits).rejection == .tooManyFieldLines)
    #expect(parseResponse(response("A: b", "C: d", "E: f"), limits: limits).head != nil)
    #expect(parseResponse(response("A: b", "C: d", "E: f", "G: h"), limits: limits).rejection == .tooManyFieldLines)
    #expect(Rejection.tooManyFieldLines.status == .headerFieldsTooLarge)
  }
}
