import Testing

/// Words that the field does not use, and their replacements.
private let replacements: [String: String] = [
  "nobody": "no client, no node, no process", "somebody": "a client, another host", "anybody": "any client",
  "stranger": "an untrusted peer", "strangers": "untrusted peers", "goodbye": "close_notify, FIN",
  "patience": "a delay or a time-out", "roster": "server list", "farewell": "the last advertisement",
  "rival": "another Active", "folks": "clients", "everybody": "every client, every node",
]

/// Words that do not belong in the name of a test, and their replacements.
private let replacementsInNames: [String: String] = [
  "told": "logged, reported, sent", "whoever": "a client that, a peer that", "whom": "the client, the recipient",
  "anew": "again", "wherever": "a place", "newcomer": "a new client", "deaf": "without advertisements, blocked",
]

@Suite struct `Words` {
  /// Code, comments, messages and documentation use the terms of RFCs, HAProxy, nginx and keepalived.
  @Test func `sources and documentation use the field's terms`() throws {
    let pages = SourceTree.files(endingIn: ".md", below: "docs") + SourceTree.files(endingIn: ".md", below: "Sources")
    #expect(pages.count > 8)
    for file in SourceTree.sources.map(\.file) + pages { expectNone(of: replacements, in: file) }
  }

  /// So do the tests: names, comments, fixtures and what a failure prints.
  @Test func `tests use the field's terms`() {
    let tests = SourceTree.tests.map(\.file) + SourceTree.scripts
    for file in tests where file.name != "WordTests" {
      expectNone(of: replacements, in: file)
      expectNone(of: replacementsInNames, in: file) { $0.contains("func `") || $0.hasPrefix("def test_") }
    }
  }

  /// Records each of these words in the lines that `isChecked`.
  private func expectNone(
    of words: [String: String], in file: SourceTree.File, _ isChecked: (String) -> Bool = { _ in true }
  ) {
    for (number, line) in file.lines.enumerated() where isChecked(line) {
      // The words of a Python name are separated by underscores.
      let text = line.hasPrefix("def ") ? line.lowercased().replacing("_", with: " ") : line.lowercased()
      for word in text.words {
        guard let better = words[String(word)] else { continue }
        Issue.record("\(file.path):\(number + 1) has \(word): \(better)")
      }
    }
  }
}
