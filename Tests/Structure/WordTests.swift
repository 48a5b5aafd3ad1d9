import Testing

/// Words that the field does not use, and their replacements.
private let replacements: [String: String] = [
  "nobody": "no client, no node, no process", "somebody": "a client, another host", "anybody": "any client",
  "stranger": "an untrusted peer", "strangers": "untrusted peers", "goodbye": "close_notify, FIN",
  "patience": "a delay or a time-out", "roster": "server list", "farewell": "the last advertisement",
  "rival": "another Active", "folks": "clients",
]

@Suite struct `Words` {
  /// Code, comments, messages and documentation use the terms of RFCs, HAProxy, nginx and keepalived.
  @Test func `sources and documentation use the field's terms`() throws {
    let pages = SourceTree.files(endingIn: ".md", below: "docs") + SourceTree.files(endingIn: ".md", below: "Sources")
    #expect(pages.count > 8)
    for file in SourceTree.sources.map(\.file) + pages {
      for (number, line) in file.lines.enumerated() {
        for (word, better) in replacements where line.lowercased().containsWord(word) {
          Issue.record("\(file.path):\(number + 1) has \(word): \(better)")
        }
      }
    }
  }
}
