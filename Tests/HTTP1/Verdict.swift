import HTTP1
import Testing

/// One row of a table: bytes, what is to be said of them, and where that is written.
struct Verdict: Sendable, CustomTestStringConvertible {
  let input: String
  /// Nil when the input is good.
  let rejection: Rejection?
  let source: String

  static func good(_ input: String, _ source: String) -> Verdict {
    Verdict(input: input, rejection: nil, source: source)
  }

  static func bad(_ input: String, _ rejection: Rejection, _ source: String) -> Verdict {
    Verdict(input: input, rejection: rejection, source: source)
  }

  var testDescription: String { "\(source): \(input.debugDescription)" }
}

/// Expects what the row says of a request head.
func expectRequest(_ row: Verdict, sourceLocation: SourceLocation = #_sourceLocation) {
  let parsed = parseRequest(row.input)
  #expect(parsed.rejection == row.rejection, sourceLocation: sourceLocation)
  #expect((parsed.head == nil) == (row.rejection != nil), sourceLocation: sourceLocation)
}

/// Expects what the row says of an answer's head.
func expectResponse(
  _ row: Verdict, to request: AnsweredRequest = AnsweredRequest(), sourceLocation: SourceLocation = #_sourceLocation
) {
  let parsed = parseResponse(row.input, to: request)
  #expect(parsed.rejection == row.rejection, sourceLocation: sourceLocation)
  #expect((parsed.head == nil) == (row.rejection != nil), sourceLocation: sourceLocation)
}
