import Domain
import Wire

/// A configuration's text for a bug report: without comments, and with everything replaced that may be a secret. Shown
/// are the schema's keys, their values unless the key is that of a secret, and names chosen by the administrator where
/// the schema has such. It is written anew from the tree of the file, so nothing of the file's text gets past that.
package struct RedactedText {
  /// In block style; behind each value the line where the file has it.
  package private(set) var text = ""
  /// What was replaced, and must not be in other files of a report either.
  package private(set) var secrets = Secrets()

  /// A key written out has 64 hexadecimal digits, or at least this many digits of Base64.
  private static let shortestKeyDigits = 32
  private static let secretKeys: Set = ["password", "secret", "token", "key", "keys"]

  /// What is shown of a value; the stricter one of a key and of those above it applies.
  private enum Disclosure: Int {
    case shown
    /// Paths and credentials' names only: the path of a secret is none.
    case places
    case nothing
  }

  /// What the schema says of a key, in whatever section.
  private struct KnownKey {
    var kinds: [String] = []

    /// Whether the keys below it are chosen by the administrator.
    var hasNames: Bool { kinds.contains { $0.contains("mapping of") || $0.contains("for each host name") } }

    /// Whether the values below it may be secrets: with a field, some servers tell a proxy that they trust.
    var hasSecrets: Bool { kinds.contains { $0.contains("mapping of field names") } }

    /// Whether these are numbers.
    var hasNumbers: Bool {
      kinds.contains { $0.contains("mapping of numbers") || $0.contains("mapping of status codes") }
    }

    /// Whether it may have this key below it.
    func hasName(_ key: String) -> Bool {
      if kinds.contains(where: { $0.contains("mapping of paths") }), key.hasPrefix("/") { return true }
      guard hasNames, ServerName.isValid(key) else { return false }
      return !hasNumbers || UInt16(key) != nil || kinds.contains { $0.contains("`\(key)`") }
    }

    /// Whether it may have this scalar: keys of mappings have a word of the schema or none.
    func takes(_ value: String) -> Bool {
      kinds.contains { kind in
        !kind.contains("mapping") || kind.contains("path, or") || kind.contains("for each host name")
          || kind.contains("`\(value)`")
      }
    }
  }

  private static let knownKeys = Schema.sections.flatMap(\.keys).reduce(into: [String: KnownKey]()) { known, key in
    known[key.name, default: KnownKey()].kinds.append(key.kind)
  }

  /// Nil when the text is not YAML, or hardly a configuration: then nothing is known of its values.
  package init?(_ bytes: [UInt8], file: String) {
    guard let source = try? SourceText(file: file, bytes: bytes) else { return nil }
    var composer = Composer(source)
    guard let root = composer.compose(), case .mapping(let entries) = root.content else { return nil }
    for entry in entries { add(entry, indent: 0, below: nil, .shown) }
    if secrets.isIncomplete { return nil }
  }

  /// `parent`: the key above, nil for the top level and below a name.
  private mutating func add(_ entry: Node.Entry, indent: Int, below parent: KnownKey?, _ disclosure: Disclosure) {
    let key = entry.key
    let isName = parent.map { $0.hasName(key) }
    let known = Self.knownKeys[key]
    var own = Disclosure.nothing
    if key == "password" || parent?.hasSecrets == true {
      own = .nothing
    } else if Self.secretKeys.contains(key) {
      own = .places
    } else if known != nil || isName == true {
      own = .shown
    }
    let inner = own.rawValue > disclosure.rawValue ? own : disclosure
    let isShown = known != nil || isName == true && !looksLikeKey(key) && disclosure != .nothing
    if !isShown { secrets.add(key) }
    let head = String(repeating: " ", count: indent) + Self.quoted(isShown ? key : Secrets.replacement) + ":"
    add(entry.value, after: head, indent: indent, key: key, isName == true ? nil : known, inner)
  }

  private mutating func add(
    _ node: Node, after head: String, indent: Int, key: String, _ known: KnownKey?, _ disclosure: Disclosure
  ) {
    switch node.content {
    case .scalar(let value, let isPlain):
      let isBlank = isPlain && node.isEmpty
      text += "\(head) \(isBlank ? "" : shown(value, of: key, known, disclosure))  # \(node.mark.line)\n"
    case .refused: text += "\(head) \(Secrets.replacement)  # \(node.mark.line)\n"
    case .list(let items):
      text += items.isEmpty ? "\(head) []\n" : "\(head)\n"
      let inner = String(repeating: " ", count: indent + 2) + "-"
      for item in items { add(item, after: inner, indent: indent + 2, key: key, known, disclosure) }
    case .mapping(let entries):
      text += entries.isEmpty ? "\(head) {}\n" : "\(head)\n"
      for entry in entries { add(entry, indent: indent + 4, below: known, disclosure) }
    }
  }

  private mutating func shown(
    _ value: String, of key: String, _ known: KnownKey?, _ disclosure: Disclosure
  ) -> String {
    let isAllowed =
      switch disclosure {
      case .shown: known?.takes(value) ?? true
      case .places: value.hasPrefix("/") || value.hasPrefix("credential:")
      case .nothing: false
      }
    let isKey = value.contains("\n") || value.contains("PRIVATE KEY") || key != "fingerprint" && looksLikeKey(value)
    guard !isAllowed || isKey else { return Self.quoted(value) }
    secrets.add(value)
    return Secrets.replacement
  }

  /// Digits alone, in hexadecimal or Base64; a path or a name has a dot, a hyphen or a slash at its beginning.
  private func looksLikeKey(_ value: String) -> Bool {
    value.utf8.count >= Self.shortestKeyDigits && !value.hasPrefix("/")
      && value.utf8.allSatisfy { Self.isLetter($0) || $0.decimalDigit != nil || "+/=".utf8.contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// As a plain scalar where that is safe, else in double quotes.
  private static func quoted(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { isLetter($0) || $0.decimalDigit != nil || "-_./@*".utf8.contains($0) }
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
