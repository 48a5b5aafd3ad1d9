import Wire

/// A configuration's text for a bug report: without comments, and with every value that may be a secret replaced.
/// It is written anew from the tree of the file, so nothing of the file's text gets past that replacement.
package struct RedactedText {
  /// What stands in place of a secret.
  package static let replacement = "[removed]"

  /// In block style; behind each value the line where the file has it.
  package private(set) var text = ""
  /// The replaced values, which must not be in other files of a report either.
  package private(set) var secrets: [String] = []

  /// Shorter values would be found in ordinary words.
  private static let shortestSecret = 4
  /// A key written out has 64 digits.
  private static let shortestKeyDigits = 32
  private static let words = ["pass", "secret", "token", "credential", "key"]

  /// Nil when the text is not YAML: then nothing is known of its values.
  package init?(_ bytes: [UInt8], file: String) {
    guard let source = try? SourceText(file: file, bytes: bytes) else { return nil }
    var composer = Composer(source)
    guard let root = composer.compose(), case .mapping(let entries) = root.content else { return nil }
    for entry in entries { add(entry, indent: 0, isSecret: false) }
  }

  private mutating func add(_ entry: Node.Entry, indent: Int, isSecret: Bool) {
    let key = entry.key.lowercased()
    let isNamed = Self.words.contains { key.contains($0) } && !key.contains("fingerprint")
    let head = String(repeating: " ", count: indent) + Self.quoted(entry.key) + ":"
    add(entry.value, after: head, indent: indent, isSecret: isSecret || isNamed, key: key)
  }

  private mutating func add(_ node: Node, after head: String, indent: Int, isSecret: Bool, key: String) {
    switch node.content {
    case .scalar(let value, let isPlain):
      let isBlank = isPlain && node.isEmpty
      text += "\(head) \(isBlank ? "" : shown(value, isSecret, key))  # \(node.mark.line)\n"
    case .refused: text += "\(head) \(Self.replacement)  # \(node.mark.line)\n"
    case .list(let items):
      text += items.isEmpty ? "\(head) []\n" : "\(head)\n"
      let inner = String(repeating: " ", count: indent + 2) + "-"
      for item in items { add(item, after: inner, indent: indent + 2, isSecret: isSecret, key: key) }
    case .mapping(let entries):
      text += entries.isEmpty ? "\(head) {}\n" : "\(head)\n"
      for entry in entries { add(entry, indent: indent + 4, isSecret: isSecret) }
    }
  }

  private mutating func shown(_ value: String, _ isSecret: Bool, _ key: String) -> String {
    // The path of a secret is none.
    let isPlace = value.hasPrefix("/") || value.hasPrefix("credential:")
    let looksLikeKey =
      !key.contains("fingerprint") && value.utf8.count >= Self.shortestKeyDigits
      && value.utf8.allSatisfy { $0.hexadecimalDigit != nil }
    guard isSecret && !isPlace || looksLikeKey else { return Self.quoted(value) }
    if value.utf8.count >= Self.shortestSecret, !secrets.contains(value) { secrets.append(value) }
    return Self.replacement
  }

  /// As a plain scalar where that is safe, else in double quotes.
  private static func quoted(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte.decimalDigit != nil
        || "-_./@*".utf8.contains(byte)
    }
    guard value.isEmpty || !plain || value.hasPrefix("*") || value.hasPrefix("-") || value.hasPrefix("@") else {
      return value
    }
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\\(scalar)"
      case _ where scalar.isControl: text += "\\u" + String(0x1_0000 + scalar.value, radix: 16).dropFirst()
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
