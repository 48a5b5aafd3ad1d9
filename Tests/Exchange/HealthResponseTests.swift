import Balancing
import HTTP1
import Testing
import Wire

@testable import Exchange

/// An answer to a health check, and the verdict.
private struct AnswerCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var text: String
  var end: StreamEnd?
  var isToHead = false
  /// Nil if the answer is incomplete.
  var verdict: CheckResult?
}

private func row(
  _ words: String, _ text: String, then end: StreamEnd? = nil, isToHead: Bool = false, _ verdict: CheckResult?
) -> AnswerCase {
  AnswerCase(testDescription: words, text: text, end: end, isToHead: isToHead, verdict: verdict)
}

private let interim = response(100)
private let chunked = response(200, "Transfer-Encoding: chunked")
private let broken = CheckResult.failed(.closed(stage: .answer))

private let rows: [AnswerCase] = [
  row("nothing yet", "", nil),
  row("an end instead of an answer", "", then: .closed, broken),
  row("part of a head", "HTTP/1.1 20", nil),
  row("part of a head and the end", "HTTP/1.1 20", then: .closed, broken),
  row("200 and its body", response(200, "Content-Length: 2", body: "ok"), .passed),
  row("200 and half of its body", response(200, "Content-Length: 4", body: "ok"), nil),
  row("200 and half of its body and the end", response(200, "Content-Length: 4", body: "ok"), then: .closed, broken),
  row("200 without a body", response(200, "Content-Length: 0"), .passed),
  row("200 to HEAD", response(200, "Content-Length: 4"), isToHead: true, .passed),
  row("503", response(503, "Content-Length: 0"), .disabled),
  row("404", response(404, "Content-Length: 0"), .failed(.status(404))),
  row("a body until the end", response(200, body: "ok"), nil),
  row("a body until the end, and the end", response(200, body: "ok"), then: .closed, .passed),
  row("a body until the end that is cut", response(200, body: "ok"), then: .cut, broken),
  row("chunks", chunked + "2\r\nok\r\n0\r\n\r\n", .passed),
  row("chunks without a last one", chunked + "2\r\nok\r\n", nil),
  row("a malformed chunk", chunked + "2\r\nokay\r\n", .failed(.malformed)),
  row("no answer of HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", .failed(.malformed)),
  row("a head too large", response(200, "X: " + String(repeating: "x", count: 16_384)), .failed(.malformed)),
  row("an interim answer", interim, nil),
  row("an interim answer and the end", interim, then: .closed, broken),
  row("as many interim answers as may be", many(interim, 8) + response(200, "Content-Length: 0"), .passed),
  row("one interim answer more", many(interim, 9), .failed(.excessive)),
  row("interim answers without end", many(interim, 100_000), .failed(.excessive)),
  row("chunks of one byte without end", chunked + many("1\r\nx\r\n", 200_000), .failed(.excessive)),
  row(
    "as much as may be", response(200, "Content-Length: 1000000", body: many("x", 1_000_000)), .passed),
  row("a larger body", response(200, "Content-Length: 1048576", body: many("x", 1 << 20)), .failed(.excessive)),
  row("a body until an end that never comes", response(200, body: many("x", 1 << 20)), .failed(.excessive)),
  row("a larger body that was not asked for", response(200, "Content-Length: 104857600"), isToHead: true, .passed),
]

private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

@Suite struct `Parsing the answer to a health check` {
  @Test(arguments: rows)
  private func `an answer gives the expected verdict`(row: AnswerCase) {
    #expect(verdict(on: row, readsOf: 16_384) == row.verdict)
  }

  @Test(
    arguments: [(200, .failed(.status(200))), (302, .passed), (503, .passed), (500, .failed(.status(500)))]
      as [(Int, CheckResult)])
  private func `the configured statuses count as success`(status: Int, verdict: CheckResult) {
    var answer = HealthResponse(isToHead: false, expected: [302, 503], limits: HeadLimits())
    let bytes = Array(response(status, "Content-Length: 0").utf8)
    #expect(answer.advance(over: bytes.span, end: nil).verdict == verdict)
  }

  @Test(arguments: rows)
  private func `an answer split into small reads gives the same verdict`(row: AnswerCase) {
    #expect(verdict(on: row, readsOf: 7) == row.verdict)
  }

  /// Reads as the worker does: into a buffer that keeps the bytes that were not accepted.
  private func verdict(on row: AnswerCase, readsOf size: Int) -> CheckResult? {
    let bytes = Array(row.text.utf8)
    var answer = HealthResponse(isToHead: row.isToHead, limits: HeadLimits())
    var (start, received) = (0, 0)
    while received < bytes.count {
      received = min(received + size, bytes.count)
      let step = answer.advance(over: bytes.span.extracting(start..<received), end: nil)
      start += step.accepted
      if let verdict = step.verdict { return verdict }
    }
    guard let end = row.end else { return nil }
    return answer.advance(over: bytes.span.extracting(start..<received), end: end).verdict
  }
}
