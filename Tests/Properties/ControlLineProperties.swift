import Control

/// Properties of any line on the control socket, from an operator or from a service, and of the file of administrative
/// states: a decoded value is encoded in one line without control characters, and decoded from it again.
package enum ControlLineProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    if let request = try? ControlRequest(parsing: bytes) {
      try check(request.line)
      try require((try? ControlRequest(parsing: Array(request.line.utf8))) == request, "\(request.line)")
    }
    if let answer = try? ControlAnswer(parsing: bytes) {
      try check(answer.line)
      try require((try? ControlAnswer(parsing: Array(answer.line.utf8))) == answer, "\(answer.line)")
    }
    if let states = try? AdminStateSnapshot(parsing: bytes) {
      try require((try? AdminStateSnapshot(parsing: Array(states.text.utf8))) == states, "\(states.text)")
    }
  }

  private static func check(_ text: String) throws(Violation) {
    try require(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f ~= $0.value) }, "control characters")
  }
}
