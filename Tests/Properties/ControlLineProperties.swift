import Control

/// What holds for any line that comes over the control socket, from an operator or from a service, and for the file of
/// states: JSON that is read is written in one line that no terminal obeys, and read again alike; and so are requests,
/// answers and states.
package enum ControlLineProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    guard let value = try? JSON(parsing: bytes.span) else {
      try require((try? ControlRequest(parsing: bytes.span)) == nil, "a request that is no JSON")
      try require((try? ControlAnswer(parsing: bytes.span)) == nil, "an answer that is no JSON")
      return
    }
    let text = value.text
    try require(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f ~= $0.value) }, "control characters")
    try require((try? JSON(parsing: Array(text.utf8).span)) == value, "\(text) reads otherwise")
    if let request = try? ControlRequest(parsing: bytes.span) {
      try require((try? ControlRequest(parsing: Array(request.line.utf8).span)) == request, "\(request.line)")
    }
    if let answer = try? ControlAnswer(parsing: bytes.span) {
      try require((try? ControlAnswer(parsing: Array(answer.line.utf8).span)) == answer, "\(answer.line)")
    }
    if let states = try? AdminStateSnapshot(parsing: bytes.span) {
      try require((try? AdminStateSnapshot(parsing: Array(states.text.utf8).span)) == states, "\(states.text)")
    }
  }
}
