/// A value of the file as it is written, before anybody knows what it should be.
struct Node {
  let content: Content
  let mark: Mark

  indirect enum Content {
    /// Text without its quotes. A plain scalar that is empty, `~` or `null` has no value.
    case scalar(String, isPlain: Bool)
    case list([Node])
    case mapping([Entry])
    /// Something that was already reported; nothing more is said about it.
    case refused
  }

  /// A key and its value. Keys are unique within their mapping.
  struct Entry {
    let key: String
    let keyMark: Mark
    let value: Node
  }

  /// True for `key:` with nothing behind it.
  var isEmpty: Bool {
    if case .scalar(let text, isPlain: true) = content { return text.isEmpty || text == "~" || text == "null" }
    return false
  }

  /// What was found, to stand behind "found".
  var found: String {
    switch content {
    case _ where isEmpty: "no value"
    case .scalar(let text, _): text.isEmpty ? "an empty text" : "`\(Node.shortened(text))`"
    case .list: "a list"
    case .mapping(let entries): entries.isEmpty ? "an empty mapping" : "a mapping"
    case .refused: "nothing"
    }
  }

  /// A text of the file fit for a one-line message.
  static func shortened(_ text: String) -> String {
    let line = text.unicodeScalars.map { $0 == "\n" ? " " : Character($0) }
    return line.count > longestQuote ? String(line.prefix(longestQuote)) + "…" : String(line)
  }

  private static let longestQuote = 60
}
