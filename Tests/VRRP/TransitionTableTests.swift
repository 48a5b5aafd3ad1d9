import Foundation
import Testing

/// Compares the state machine with `Golden/transitions.txt`.
@Suite struct TransitionTableTests {
  private static let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Golden/transitions.txt")
  private static let isUpdating = ProcessInfo.processInfo.environment["BELVEDERE_UPDATE_GOLDEN"] != nil

  @Test(.enabled(if: !isUpdating))
  func `the state machine matches the table in the repository (RFC 9568 §6.4)`() throws {
    let written = try String(contentsOf: Self.path, encoding: .utf8).components(separatedBy: "\n")
    let now = TransitionTable.text.components(separatedBy: "\n")
    for (line, (old, new)) in zip(written, now).enumerated() where old != new {
      Issue.record("line \(line + 1) is now: \(new)")
      break
    }
    #expect(written.count == now.count)
  }

  @Test(.enabled(if: isUpdating)) func `the table is rewritten`() throws {
    try TransitionTable.text.write(to: Self.path, atomically: true, encoding: .utf8)
  }
}
