import HTTP1
import Testing

/// The tables of `Framing`, row by row.
struct FramingTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let lines: [String]
    var method = "POST"
    var version = "HTTP/1.1"
    var status = 200
    var request = AnsweredRequest()
    let verdict: Result<Framing, Rejection>
    let source: String

    var testDescription: String { "\(source): \(method) \(version) \(status) \(lines)" }
  }

  static let both = ["Content-Length: 5", "Transfer-Encoding: chunked"]

  @Test func `if allowed by the configuration GET has a body like other requests, and HEAD has none`() {
    let limits = HeadLimits(allowsContentInGet: true)
    #expect(parseRequest(request("Content-Length: 5", method: "GET"), limits: limits).head?.framing == .length(5))
    let chunked = request("Transfer-Encoding: chunked", method: "GET")
    #expect(parseRequest(chunked, limits: limits).head?.framing == .chunked)
    #expect(parseRequest(request("Content-Length: 5", method: "HEAD"), limits: limits).rejection == .contentNotExpected)
    #expect(
      parseRequest(request("Content-Length: 5", "Transfer-Encoding: chunked", method: "GET"), limits: limits).rejection
        == .transferEncodingWithContentLength)
  }

  @Test(arguments: [
    Row(lines: both, verdict: .failure(.transferEncodingWithContentLength), source: "RFC 9112 §6.1"),
    Row(lines: both.reversed(), verdict: .failure(.transferEncodingWithContentLength), source: "RFC 9112 §6.1"),
    Row(
      lines: ["Content-Length: 0", "Transfer-Encoding: x"], verdict: .failure(.transferEncodingWithContentLength),
      source: "RFC 9112 §6.1"),
    Row(
      lines: ["Content-Length: x", "Transfer-Encoding: "], verdict: .failure(.transferEncodingWithContentLength),
      source: "RFC 9112 §6.1"),
    Row(
      lines: both, version: "HTTP/1.0", verdict: .failure(.transferEncodingWithContentLength), source: "RFC 9112 §6.1"),
    Row(
      lines: ["Transfer-Encoding: chunked"], version: "HTTP/1.0", verdict: .failure(.transferEncodingInHTTP10),
      source: "RFC 9112 §6.1"),
    Row(
      lines: ["Transfer-Encoding: x"], version: "HTTP/1.0", verdict: .failure(.transferEncodingInHTTP10),
      source: "RFC 9112 §6.1"),
    Row(lines: ["Transfer-Encoding: gzip"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §6.1: 501"),
    Row(
      lines: ["Transfer-Encoding: gzip, chunked"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §6.1"),
    Row(lines: ["Transfer-Encoding: identity"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §7"),
    Row(lines: ["Transfer-Encoding: xchunked"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §7"),
    Row(lines: ["Transfer-Encoding: chunke"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §7"),
    Row(
      lines: ["Transfer-Encoding: chunked, gzip"], verdict: .failure(.transferEncodingMalformed),
      source: "RFC 9112 §6.3 item 4: chunked is not final"),
    Row(
      lines: ["Transfer-Encoding: chunked, chunked"], verdict: .failure(.transferEncodingMalformed),
      source: "RFC 9112 §6.1: not more than once"),
    Row(
      lines: ["Transfer-Encoding: ,chunked"], verdict: .failure(.transferEncodingMalformed),
      source: "an empty element"),
    Row(
      lines: ["Transfer-Encoding: chunked,"], verdict: .failure(.transferEncodingMalformed),
      source: "an empty element"),
    Row(lines: ["Transfer-Encoding:"], verdict: .failure(.transferEncodingMalformed), source: "RFC 9112 §6.1"),
    Row(
      lines: ["Transfer-Encoding: chunked;q=1"], verdict: .failure(.transferEncodingMalformed),
      source: "RFC 9112 §7.1: chunked has no parameters"),
    Row(
      lines: ["Transfer-Encoding: \"chunked\""], verdict: .failure(.transferEncodingMalformed), source: "a token"),
    Row(lines: ["Transfer-Encoding: chunk ed"], verdict: .failure(.transferEncodingMalformed), source: "a token"),
    Row(
      lines: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      verdict: .failure(.transferEncodingRepeated), source: "RFC 9112 §6.1: not more than once"),
    Row(
      lines: ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      verdict: .failure(.transferEncodingRepeated), source: "RFC 9112 §6.1"),
    Row(lines: ["Content-Length: 5, 5"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 5,"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: +5"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6: 1*DIGIT"),
    Row(lines: ["Content-Length: -0"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 0x5"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 5_0"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 5 0"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 5.0"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(lines: ["Content-Length: 05"], verdict: .failure(.contentLengthMalformed), source: "octal to some"),
    Row(lines: ["Content-Length: \u{ff15}"], verdict: .failure(.contentLengthMalformed), source: "a digit, not ASCII"),
    Row(lines: ["Content-Length:"], verdict: .failure(.contentLengthMalformed), source: "RFC 9110 §8.6"),
    Row(
      lines: ["Content-Length: 5", "Content-Length: 5"], verdict: .failure(.contentLengthRepeated),
      source: "RFC 9110 §8.6: repaired or refused"),
    Row(
      lines: ["Content-Length: 5", "content-length: 6"], verdict: .failure(.contentLengthRepeated),
      source: "RFC 9112 §6.3 item 5"),
    Row(
      lines: ["Content-Length: 1000000000000000000"], verdict: .failure(.contentLengthTooLarge),
      source: "RFC 9110 §8.6: an overflow must be prevented"),
    Row(
      lines: ["Content-Length: 18446744073709551621"], verdict: .failure(.contentLengthTooLarge),
      source: "5 in 64 bits"),
    Row(
      lines: ["Transfer-Encoding: chunked"], method: "GET", verdict: .failure(.contentNotExpected),
      source: "RFC 9110 §9.3.1"),
    Row(lines: ["Content-Length: 5"], method: "GET", verdict: .failure(.contentNotExpected), source: "RFC 9110 §9.3.1"),
    Row(
      lines: ["Content-Length: 5"], method: "HEAD", verdict: .failure(.contentNotExpected), source: "RFC 9110 §9.3.2"),
    Row(lines: ["Content-Length: 0"], method: "GET", verdict: .success(.none), source: "RFC 9112 §6.3 item 6"),
    Row(lines: ["Transfer-Encoding: chunked"], verdict: .success(.chunked), source: "RFC 9112 §6.3 item 4"),
    Row(lines: ["TRANSFER-ENCODING:\tCHUNKED "], verdict: .success(.chunked), source: "RFC 9112 §7: no case"),
    Row(lines: ["Content-Length: 5"], verdict: .success(.length(5)), source: "RFC 9112 §6.3 item 6"),
    Row(lines: ["content-length:5 "], verdict: .success(.length(5)), source: "RFC 9112 §6.3 item 6"),
    Row(
      lines: ["Content-Length: 999999999999999999"], verdict: .success(.length(999_999_999_999_999_999)),
      source: "RFC 9112 §6.3 item 6"),
    Row(lines: ["Content-Length: 0"], verdict: .success(.none), source: "RFC 9112 §6.3 item 6"),
    Row(lines: ["Content-Length: 5"], method: "DELETE", verdict: .success(.length(5)), source: "RFC 9110 §9.3.5"),
    Row(lines: ["Content-Length: 5"], version: "HTTP/1.0", verdict: .success(.length(5)), source: "RFC 1945 §7.2"),
    Row(lines: [], verdict: .success(.none), source: "RFC 9112 §6.3 item 7"),
    Row(lines: [], method: "GET", version: "HTTP/1.0", verdict: .success(.none), source: "RFC 9112 §6.3 item 7"),
  ])
  func `a request's body ends as in RFC 9112 §6.3, or the request is refused`(row: Row) {
    let lines = row.lines.map { $0 + "\r\n" }.joined()
    let parsed = parseRequest("\(row.method) / \(row.version)\r\nHost: a\r\n\(lines)\r\n")
    switch row.verdict {
    case .success(let framing): #expect(parsed.head?.framing == framing)
    case .failure(let rejection): #expect(parsed.rejection == rejection)
    }
  }

  static let toHead = AnsweredRequest(isHead: true)
  static let toOld = AnsweredRequest(version: .http10)

  @Test(arguments: [
    Row(lines: both, verdict: .failure(.transferEncodingWithContentLength), source: "RFC 9112 §6.3 item 3"),
    Row(lines: both, request: toHead, verdict: .failure(.transferEncodingWithContentLength), source: "item 3"),
    Row(lines: both, status: 304, verdict: .failure(.transferEncodingWithContentLength), source: "item 3"),
    Row(
      lines: ["Transfer-Encoding: chunked"], version: "HTTP/1.0", verdict: .failure(.transferEncodingInHTTP10),
      source: "RFC 9112 §6.1"),
    Row(
      lines: ["Transfer-Encoding: chunked"], request: toOld, verdict: .failure(.transferEncodingToHTTP10),
      source: "RFC 9112 §6.1: MUST NOT"),
    Row(lines: ["Transfer-Encoding: gzip"], verdict: .failure(.transferCodingUnknown), source: "RFC 9112 §6.3 item 4"),
    Row(
      lines: ["Transfer-Encoding: chunked, gzip"], verdict: .failure(.transferEncodingMalformed),
      source: "RFC 9112 §6.3 item 4"),
    Row(
      lines: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      verdict: .failure(.transferEncodingRepeated), source: "RFC 9112 §6.1"),
    Row(lines: ["Content-Length: 5,5"], verdict: .failure(.contentLengthMalformed), source: "RFC 9112 §6.3 item 5"),
    Row(
      lines: ["Content-Length: x"], request: toHead, verdict: .failure(.contentLengthMalformed),
      source: "RFC 9112 §6.3 item 5"),
    Row(
      lines: ["Content-Length: 5", "Content-Length: 5"], verdict: .failure(.contentLengthRepeated),
      source: "RFC 9112 §6.3 item 5"),
    Row(
      lines: ["Content-Length: 1000000000000000000"], verdict: .failure(.contentLengthTooLarge),
      source: "RFC 9110 §8.6"),
    Row(
      lines: ["Transfer-Encoding: chunked"], status: 204, verdict: .failure(.contentNotExpected),
      source: "RFC 9112 §6.1: MUST NOT in 204"),
    Row(
      lines: ["Transfer-Encoding: chunked"], status: 100, verdict: .failure(.contentNotExpected),
      source: "RFC 9112 §6.1: MUST NOT in 1xx"),
    Row(
      lines: ["Content-Length: 5"], status: 204, verdict: .failure(.contentNotExpected),
      source: "RFC 9110 §8.6: MUST NOT in 204"),
    Row(
      lines: ["Content-Length: 5"], status: 103, verdict: .failure(.contentNotExpected),
      source: "RFC 9110 §8.6: MUST NOT in 1xx"),
    Row(lines: ["Content-Length: 0"], status: 204, verdict: .success(.none), source: "a slip that says the same"),
    Row(lines: [], status: 100, verdict: .success(.none), source: "RFC 9112 §6.3 item 1"),
    Row(lines: [], status: 204, verdict: .success(.none), source: "RFC 9112 §6.3 item 1"),
    Row(lines: ["Content-Length: 5"], status: 304, verdict: .success(.none), source: "RFC 9112 §6.3 item 1"),
    Row(lines: ["Transfer-Encoding: chunked"], status: 304, verdict: .success(.none), source: "RFC 9112 §6.1"),
    Row(lines: ["Content-Length: 5"], request: toHead, verdict: .success(.none), source: "RFC 9112 §6.3 item 1"),
    Row(lines: ["Transfer-Encoding: chunked"], request: toHead, verdict: .success(.none), source: "RFC 9112 §6.1"),
    Row(lines: [], status: 500, request: toHead, verdict: .success(.none), source: "RFC 9112 §6.3 item 1"),
    Row(lines: ["Transfer-Encoding: chunked"], verdict: .success(.chunked), source: "RFC 9112 §6.3 item 4"),
    Row(lines: ["Content-Length: 5"], verdict: .success(.length(5)), source: "RFC 9112 §6.3 item 6"),
    Row(lines: ["Content-Length: 5"], version: "HTTP/1.0", verdict: .success(.length(5)), source: "item 6"),
    Row(lines: ["Content-Length: 0"], verdict: .success(.none), source: "RFC 9112 §6.3 item 6"),
    Row(lines: [], verdict: .success(.untilClose), source: "RFC 9112 §6.3 item 8"),
    Row(lines: [], version: "HTTP/1.0", verdict: .success(.untilClose), source: "RFC 9112 §6.3 item 8"),
    Row(lines: [], status: 205, verdict: .success(.untilClose), source: "RFC 9110 §15.3.6: framed as any other"),
  ])
  func `an answer's body ends as in RFC 9112 §6.3, or the answer is refused`(row: Row) {
    let lines = row.lines.map { $0 + "\r\n" }.joined()
    let parsed = parseResponse("\(row.version) \(row.status) Reason\r\n\(lines)\r\n", to: row.request)
    switch row.verdict {
    case .success(let framing): #expect(parsed.head?.framing == framing)
    case .failure(let rejection): #expect(parsed.rejection == rejection)
    }
  }

  @Test(arguments: [
    ("Content-Length:  5", "Content-Length:5"), ("Content-Length:\t5", "Content-Length:5"),
    ("Content-Length: 5 \t", "Content-Length: 5"), ("Content-Length:5", "Content-Length:5"),
    ("transfer-encoding: chunked", "transfer-encoding: chunked"),
    ("Transfer-Encoding:chunked ", "Transfer-Encoding:chunked"),
    ("Transfer-Encoding: Chunked", "Transfer-Encoding: chunked"),
    ("TRANSFER-ENCODING:\t \tcHUNKED\t", "TRANSFER-ENCODING:chunked"),
  ])
  func `the framing field is forwarded in canonical form`(line: String, seen: String) throws {
    let server = try #require(forwarded(request("A: b", line, "C: d")))
    #expect(server.hasPrefix("POST / HTTP/1.1\r\nHost: a\r\nA: b\r\n\(seen)\r\nC: d\r\n"))
    let client = try #require(returned(response("A: b", line, "C: d")))
    #expect(client == "HTTP/1.1 200 Reason\r\nA: b\r\n\(seen)\r\nC: d\r\n\r\n")
  }

  @Test func `a Content-Length of zero where none is allowed is not forwarded (RFC 9110 §8.6)`() throws {
    let seen = try #require(returned(response("A: b", "Content-Length: 0", status: 204)))
    #expect(seen == "HTTP/1.1 204 Reason\r\nA: b\r\n\r\n")
  }
}
