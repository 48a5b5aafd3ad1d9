import Testing

@testable import HTTP1

struct BodyTrackerTests {
  /// The result for a complete chunked body: the number of accepted bytes and the last state.
  static func track(_ input: [UInt8], _ framing: Framing = .chunked) -> (BodyTracker, BodyTracker.Progress) {
    var tracker = BodyTracker(framing)
    let progress = tracker.advance(over: input.span)
    return (tracker, progress)
  }

  @Test func `no body, or one of length zero, is complete from the start`() {
    for framing in [Framing.none, .length(0)] {
      var (tracker, progress) = Self.track(bytes("next"), framing)
      #expect(tracker.isComplete && progress == .init(accepted: 0, state: .complete))
      #expect(tracker.end() == true)
    }
  }

  @Test func `a body of a given length ends there, and later bytes are left (RFC 9112 §6.2)`() {
    var tracker = BodyTracker(.length(10))
    #expect(tracker.take("12345") == .init(accepted: 5, state: .more))
    #expect(tracker.take("") == .init(accepted: 0, state: .more))
    #expect(!tracker.isComplete && tracker.contentBytes == 5)
    #expect(tracker.take("67890GET") == .init(accepted: 5, state: .complete))
    #expect(tracker.isComplete && tracker.contentBytes == 10)
    #expect(tracker.take("GET") == .init(accepted: 0, state: .complete))
  }

  @Test func `a body shorter than its length is truncated (RFC 9112 §8)`() {
    var (tracker, progress) = Self.track(bytes("12345"), .length(6))
    #expect(progress.state == .more)
    #expect(tracker.end() == false)
  }

  @Test func `a body until close accepts all bytes, and the close completes it (RFC 9112 §6.3)`() {
    var (tracker, progress) = Self.track(bytes("12345"), .untilClose)
    #expect(progress == .init(accepted: 5, state: .more))
    #expect(!tracker.isComplete && tracker.contentBytes == 5)
    #expect(tracker.end() == true)
    #expect(tracker.isComplete)
  }

  @Test func `a chunked body without its last chunk is truncated (RFC 9112 §8)`() {
    let body = "5\r\nhello\r\n0\r\nA: b\r\n\r\n"
    for length in 0..<body.utf8.count {
      var (tracker, progress) = Self.track(Array(body.utf8.prefix(length)))
      #expect(progress == .init(accepted: length, state: .more))
      #expect(tracker.end() == false)
    }
    var (tracker, progress) = Self.track(bytes(body))
    #expect(progress == .init(accepted: body.utf8.count, state: .complete))
    #expect(tracker.end() == true)
  }

  @Test(arguments: [
    ("0\r\n\r\n", 0), ("5\r\nhello\r\n0\r\n\r\n", 5), ("00A\r\n0123456789\r\n000\r\n\r\n", 10),
    ("a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", 10), ("1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 2),
    ("0000000000000001\r\na\r\n0\r\n\r\n", 1),
    ("1;a\r\nx\r\n0;b=c\r\n\r\n", 1), ("1;a=\"\\\"; \t\"\r\nx\r\n0\r\n\r\n", 1),
    ("1;a;b=c;d=\"\"\r\nx\r\n0\r\n\r\n", 1),
    ("0\r\nX-Sum: 1\r\nETag: \"a\"\r\nServer-Timing:\r\n\r\n", 0),
  ])
  func `a chunked body is accepted to its last byte, and no further (RFC 9112 §7.1)`(body: String, count: Int) {
    let (tracker, progress) = Self.track(bytes(body + "GET / HTTP/1.1\r\n"))
    #expect(progress == .init(accepted: body.utf8.count, state: .complete))
    #expect(tracker.isComplete && tracker.contentBytes == UInt64(count))
  }

  /// The accepted bytes are before `|`, the invalid ones after it.
  @Test(arguments: [
    ("|\r\n", Rejection.chunkSizeMalformed, "RFC 9112 §7.1: 1*HEXDIG"),
    ("|;a\r\n", .chunkSizeMalformed, "RFC 9112 §7.1: 1*HEXDIG"),
    ("| 5\r\n", .chunkSizeMalformed, "RFC 9112 §7.1: no white space"),
    ("5 |\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1: white space with no extension behind it"),
    ("5\t|\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1"),
    ("5 |5\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1: two sizes"),
    ("5 \t|a\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5 |\nhello\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5 ;|\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a name"),
    ("5;a |\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: white space at the end"),
    ("5;a |b\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5;a=b |c\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5 ;a|\nhello", .bareLineFeed, "RFC 9112 §7.1.1: TERM.EXT"),
    ("|+5\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("|-1\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("0|x5\r\n", .chunkSizeMalformed, "RFC 9112 §7.1: not a C number"),
    ("5|_0\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("5|,\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("5|\u{0}\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("|é\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("5|\nhello\r\n", .bareLineFeed, "RFC 9112 §7.1: CRLF"),
    ("5\r|hello", .bareCarriageReturn, "RFC 9112 §7.1: CRLF"),
    ("5\r|\r\n", .bareCarriageReturn, "RFC 9112 §7.1: CRLF"),
    ("5;a|\nhello", .bareLineFeed, "RFC 9112 §7.1.1: TERM.EXT"),
    ("5;|\nhello", .chunkExtensionMalformed, "RFC 9112 §7.1.1: TERM.EXT"),
    ("5;a\r|x", .bareCarriageReturn, "RFC 9112 §7.1.1"),
    ("5;|\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a name"),
    ("5;|;\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a name"),
    ("5; |\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a name"),
    ("5;a= |\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a value"),
    ("5;|=a\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a name"),
    ("5;a=|\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1: a value"),
    ("5;a=b|\"c\"\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5;a=\"b\"|c\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5;a=\"b|\r\n", .chunkExtensionMalformed, "RFC 9110 §5.6.4: no CR in a quoted string"),
    ("5;a=\"b|\n\"\r\n", .chunkExtensionMalformed, "RFC 9110 §5.6.4: no LF in a quoted string"),
    ("5;a=\"\\|\n\"\r\n", .chunkExtensionMalformed, "RFC 9110 §5.6.4: nor escaped"),
    ("5;a=\"|\u{0}\"\r\n", .chunkExtensionMalformed, "RFC 9110 §5.6.4"),
    ("5;a|\u{b}\r\n", .chunkExtensionMalformed, "RFC 9112 §7.1.1"),
    ("5\r\nhello|0\r\n\r\n", .chunkNotTerminated, "RFC 9112 §7.1: CRLF behind the data"),
    ("5\r\nhello|\n0\r\n\r\n", .chunkNotTerminated, "RFC 9112 §7.1: CRLF behind the data"),
    ("5\r\nhello\r|0\r\n\r\n", .chunkNotTerminated, "RFC 9112 §7.1: CRLF behind the data"),
    ("5\r\nhello|!\r\n0\r\n\r\n", .chunkNotTerminated, "a chunk longer than its size"),
    ("5\r\nhello\r\n|\r\n", .chunkSizeMalformed, "RFC 9112 §7.1"),
    ("fffffffffffffff|f\r\n", .chunkSizeTooLarge, "RFC 9112 §7.1: no overflow"),
    ("100000000000000|0\r\n", .chunkSizeTooLarge, "RFC 9112 §7.1: no overflow"),
    ("0000000000000000|5\r\n", .chunkSizeTooLarge, "zeros without end"),
    ("0\r\n|\n", .bareLineFeed, "RFC 9112 §2.2"),
    ("0\r\n\r|x", .bareCarriageReturn, "RFC 9112 §2.2"),
    ("0\r\n|:a\r\n\r\n", .fieldNameEmpty, "RFC 9110 §5.1"),
    ("0\r\n| a: b\r\n\r\n", .lineFolding, "RFC 9112 §5.2"),
    ("0\r\nA: b\r\n| c\r\n\r\n", .lineFolding, "RFC 9112 §5.2"),
    ("0\r\nA| : b\r\n\r\n", .spaceBeforeColon, "RFC 9112 §5.1"),
    ("0\r\nA|\r\n\r\n", .colonMissing, "RFC 9112 §5"),
    ("0\r\nA|\n\r\n", .bareLineFeed, "RFC 9112 §2.2"),
    ("0\r\nA|\u{0}: b\r\n\r\n", .controlCharacter, "RFC 9110 §5.6.2"),
    ("0\r\n|(: b\r\n\r\n", .fieldNameMalformed, "RFC 9110 §5.6.2"),
    ("0\r\nA: |\u{0}\r\n\r\n", .controlCharacter, "RFC 9110 §5.5"),
    ("0\r\nA: b|\n\r\n", .bareLineFeed, "RFC 9112 §2.2"),
    ("0\r\nA: b\r|A", .bareCarriageReturn, "RFC 9112 §2.2"),
    ("0\r\nA: |\u{7f}\r\n\r\n", .controlCharacter, "RFC 9110 §5.5"),
  ])
  func `a malformed chunked body is refused at the first invalid byte`(
    row: String, rejection: Rejection, source: String
  ) throws {
    let parts = row.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
    let expected = BodyTracker.Progress(accepted: parts[0].utf8.count, state: .malformed(rejection))
    var (tracker, progress) = Self.track(bytes(parts.joined()))
    #expect(progress == expected, "\(source)")
    #expect(tracker.take("0\r\n\r\n").state == .malformed(rejection))
    #expect(tracker.take("").state == .malformed(rejection))
    #expect(tracker.end() == false)
  }

  @Test(arguments: [
    "Transfer-Encoding", "content-length", "Host", "Trailer", "Connection", "Keep-Alive", "TE", "Upgrade", "Expect",
    "Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Proxy-Authenticate", "Proxy-Authorization",
    "Authentication-Info", "Proxy-Authentication-Info", "X-Forwarded-For", "X-Forwarded-Whatever", "Forwarded",
    "X-Real-IP", "Via", "Content-Type", "Content-Encoding", "Content-Range", "Cache-Control", "Max-Forwards", "Range",
    "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Pragma", "Age", "Expires",
    "Date", "Location", "Retry-After", "Vary", "Warning", "Origin", "Transfer_Encoding", "Content.Length",
  ])
  func `trailer fields for routing, framing or authentication are refused (RFC 9110 §6.5.1)`(name: String) {
    for spelling in [name, name.lowercased(), name.uppercased()] {
      let (_, progress) = Self.track(bytes("0\r\nX-Ok: 1\r\n\(spelling): x\r\n\r\n"))
      #expect(progress.state == .malformed(.trailerFieldForbidden))
      #expect(progress.accepted == "0\r\nX-Ok: 1\r\n\(spelling)".utf8.count)
    }
  }

  /// The forwarded form of a chunk-size line.
  @Test(arguments: [
    ("1 ;a", "1;__"), ("1\t ;a", "1;___"), ("1; a", "1;__"), ("1;a =b", "1;a;__"), ("1;a= b", "1;a=__"),
    ("1;a=b ;c", "1;a=b;__"), ("1;a=\"b\" ; c=d", "1;a=\"b\";_____"), ("1 ; a = \"b; c\" ; d", "1;________________"),
    ("1;a= \"b\"", "1;a=____"), ("1;a=\"b c\"", "1;a=\"b c\""), ("1;a ;b", "1;a;__"), ("0 ;a", "0;__"),
    ("0000000a ;a", "0000000a;__"), ("1;a\t=\t\"\\\"\"", "1;a;______"),
  ])
  func `white space around a chunk extension is accepted, and normalised (RFC 9110 §5.6.3)`(
    line: String, seen: String
  ) throws {
    let size = try #require(Int(line.prefix { $0.isHexDigit }, radix: 16))
    let rest = size == 0 ? "\r\n\r\n" : "\r\n\(String(repeating: "x", count: size))\r\n0\r\n\r\n"
    let body = bytes("1\r\nx\r\n\(line)\(rest)")
    let expected = bytes("1\r\nx\r\n\(seen)\(rest)")
    // Complete, and in reads of every length.
    for length in 1...body.count {
      var tracker = BodyTracker(.chunked)
      var output: [UInt8] = []
      while output.count < body.count {
        let offered = body.span.extracting(output.count..<min(body.count, output.count + length))
        let progress = tracker.advance(over: offered, relayed: true)
        let start = output.count
        output += body[start..<start + progress.accepted]
        if let octet = progress.replacement { output[output.count - 1] = octet }
        guard progress.accepted > 0, progress.state == .more else { break }
      }
      #expect(text(output) == text(expected) && tracker.isComplete)
      #expect(tracker.contentBytes == UInt64(size + 1))
    }
    // A strict parser reads the forwarded form with the same content; without forwarding there are no changes.
    #expect(Self.track(expected).1 == .init(accepted: expected.count, state: .complete))
    #expect(Self.track(body).1 == .init(accepted: body.count, state: .complete))
  }

  @Test func `a chunk extension has a maximum length`() {
    let fitting = String(repeating: "a", count: 254)
    #expect(Self.track(bytes("0;\(fitting)\r\n\r\n")).1.state == .complete)
    #expect(Self.track(bytes("0;\(fitting)aa\r\n\r\n")).1.state == .malformed(.chunkExtensionTooLong))
    #expect(Self.track(bytes("0;a=\"\(fitting)")).1.state == .malformed(.chunkExtensionTooLong))
    let blank = String(repeating: " ", count: 257)
    #expect(Self.track(bytes("0\(blank)")).1.state == .malformed(.chunkExtensionTooLong))
  }

  @Test func `chunk framing may not exceed the content without bound`() {
    var tracker = BodyTracker(.chunked)
    let chunk = bytes("1;" + String(repeating: "a", count: 200) + "\r\nx\r\n")
    var states: [BodyTracker.State] = []
    for _ in 0..<100 { states.append(tracker.advance(over: chunk.span).state) }
    #expect(states.first == .more)
    #expect(states.last == .malformed(.tooMuchChunkFraming))
  }

  @Test func `ten hours of small messages do not exceed the framing limit`() {
    var tracker = BodyTracker(.chunked)
    let chunks = bytes("1\r\nx\r\n1;a=bcdef\r\nx\r\n")
    for _ in 0..<100_000 {
      guard tracker.advance(over: chunks.span).state == .more else {
        Issue.record("refused")
        return
      }
    }
    #expect(tracker.contentBytes == 200_000)
  }

  @Test func `a trailer section has a maximum length`() {
    let line = "X: " + String(repeating: "a", count: 1_000) + "\r\n"
    #expect(Self.track(bytes("0\r\n" + line + line + "\r\n")).1.state == .complete)
    #expect(Self.track(bytes("0\r\n" + line + line + line + line + line)).1.state == .malformed(.trailersTooLarge))
    let lines = String(repeating: "A:\r\n", count: 32)
    #expect(Self.track(bytes("0\r\n" + lines + "\r\n")).1.state == .complete)
    #expect(Self.track(bytes("0\r\n" + lines + "A:\r\n\r\n")).1.state == .malformed(.trailersTooLarge))
    #expect(Rejection.trailersTooLarge.status == .headerFieldsTooLarge)
  }

  @Test func `a chunk split into many reads is one chunk, and is passed on at once`() {
    var tracker = BodyTracker(.chunked)
    #expect(tracker.take("F") == .init(accepted: 1, state: .more))
    #expect(tracker.take("FFFFFF\r") == .init(accepted: 7, state: .more))
    #expect(tracker.take("\nabc") == .init(accepted: 4, state: .more))
    let megabyte = [UInt8](repeating: 0, count: 1 << 20)
    for _ in 0..<255 { _ = tracker.advance(over: megabyte.span) }
    #expect(tracker.contentBytes == 255 << 20 | 3)
  }
}
