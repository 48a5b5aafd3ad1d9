/// An untyped value of the file.
struct Node {
  let content: Content
  let mark: Mark

  indirect enum Content {
    /// The text without quotes. A plain scalar that is empty, `~` or `null` has no value.
    case scalar(String, isPlain: Bool)
    case list([Node])
    case mapping([Entry])
    /// A value with an error that was already reported; no further errors are reported for it.
    case refused
  }

  /// A key and its value. Keys are unique within their mapping.
  struct Entry {
    let key: String
    let keyMark: Mark
    let value: Node
  }

  /// True for `key:` without a value.
  var isEmpty: Bool {
    if case .scalar(let text, isPlain: true) = content { return text.isEmpty || text == "~" || text == "null" }
    return false
  }

  /// A description of the value for messages, to follow "found".
  var found: String {
    switch content {
    case _ where isEmpty: "no value"
    case .scalar(let text, _): text.isEmpty ? "an empty text" : "`\(Node.shortened(text))`"
    case .list: "a list"
    case .mapping(let entries): entries.isEmpty ? "an empty mapping" : "a mapping"
    case .refused: "nothing"
    }
  }

  /// A text of the file, shortened to one line for a message.
  static func shortened(_ text: String) -> String {
    let line = text.unicodeScalars.map { $0 == "\n" ? " " : Character($0) }
    return line.count > longestQuote ? String(line.prefix(longestQuote)) + "…" : String(line)
  }

  private static let longestQuote = 60
}
