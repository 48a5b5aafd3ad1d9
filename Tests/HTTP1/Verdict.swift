import HTTP1
import Testing

/// A row of a table: bytes, the expected verdict, and its source.
struct Verdict: Sendable, CustomTestStringConvertible {
  let input: String
  /// Nil if the input is valid.
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

/// Expects the row's verdict on a request head.
func expectRequest(_ row: Verdict, sourceLocation: SourceLocation = #_sourceLocation) {
  let parsed = parseRequest(row.input)
  #expect(parsed.rejection == row.rejection, sourceLocation: sourceLocation)
  #expect((parsed.head == nil) == (row.rejection != nil), sourceLocation: sourceLocation)
}

/// Expects the row's verdict on an answer's head.
func expectResponse(
  _ row: Verdict, to request: AnsweredRequest = AnsweredRequest(), sourceLocation: SourceLocation = #_sourceLocation
) {
  let parsed = parseResponse(row.input, to: request)
  #expect(parsed.rejection == row.rejection, sourceLocation: sourceLocation)
  #expect((parsed.head == nil) == (row.rejection != nil), sourceLocation: sourceLocation)
}
