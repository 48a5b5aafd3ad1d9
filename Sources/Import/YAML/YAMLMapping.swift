/// A value of the configuration that is written.
indirect enum YAMLNode: Hashable, Sendable {
  case scalar(String)
  case list([YAMLNode])
  case mapping(YAMLMapping)
}

/// Keys in the order in which they were set.
struct YAMLMapping: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    let key: String
    var node: YAMLNode
    /// Written after the value, or above a value of several lines.
    var comment: String?
  }

  private(set) var entries: [Entry] = []

  var isEmpty: Bool { entries.isEmpty }

  subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.node }

  /// The node at a path of keys separated by dots.
  func node(at path: [String]) -> YAMLNode? {
    guard let first = path.first, let node = self[first] else { return nil }
    guard path.count > 1 else { return node }
    guard case .mapping(let inner) = node else { return nil }
    return inner.node(at: Array(path.dropFirst()))
  }

  /// Sets the value at a path, and makes the mappings on the way.
  mutating func set(_ path: [String], _ node: YAMLNode, comment: String? = nil) {
    guard let first = path.first else { return }
    let index = entries.firstIndex { $0.key == first }
    guard path.count > 1 else {
      if let index {
        entries[index].node = node
        entries[index].comment = comment ?? entries[index].comment
      } else {
        entries.append(Entry(key: first, node: node, comment: comment))
      }
      return
    }
    var inner = YAMLMapping()
    if let index, case .mapping(let existing) = entries[index].node { inner = existing }
    inner.set(Array(path.dropFirst()), node, comment: comment)
    if let index {
      entries[index].node = .mapping(inner)
    } else {
      entries.append(Entry(key: first, node: .mapping(inner)))
    }
  }

  mutating func remove(_ key: String) { entries.removeAll { $0.key == key } }

  /// Without the value at a path, and without mappings that are empty then.
  func removing(_ path: [String]) -> YAMLMapping {
    guard let first = path.first, let node = self[first] else { return self }
    var rest = self
    if path.count > 1, case .mapping(let inner) = node {
      let remaining = inner.removing(Array(path.dropFirst()))
      if !remaining.isEmpty {
        rest.set([first], .mapping(remaining))
        return rest
      }
    }
    rest.remove(first)
    return rest
  }

  /// The entries in the order of these keys, others after them.
  func sorted(by keys: [String]) -> YAMLMapping {
    var sorted = YAMLMapping()
    let rank = Dictionary(keys.enumerated().map { ($1, $0) }) { first, _ in first }
    sorted.entries = entries.enumerated().sorted {
      (rank[$0.element.key] ?? keys.count, $0.offset) < (rank[$1.element.key] ?? keys.count, $1.offset)
    }.map(\.element)
    return sorted
  }
}

/// Writes a mapping as the text of a configuration file.
struct YAMLWriter {
  /// Lines that are longer are written as blocks.
  static let longestLine = 110

  private(set) var text = ""

  /// A comment of its own, in lines that fit.
  mutating func comment(_ words: String, indentation: Int = 0) {
    let start = String(repeating: " ", count: indentation) + "#"
    var line = start
    for word in Printable.line(words).split(separator: " ") {
      if line.count + word.count + 1 > Self.longestLine, line != start {
        text += line + "\n"
        line = start
      }
      line += " " + word
    }
    text += line + "\n"
  }

  mutating func emptyLine() { text += "\n" }

  mutating func write(_ mapping: YAMLMapping, indentation: Int = 0) {
    for entry in mapping.entries { write(entry, indentation) }
  }

  private mutating func write(_ entry: YAMLMapping.Entry, _ indentation: Int) {
    let margin = String(repeating: " ", count: indentation)
    let key = Self.scalar(entry.key)
    let flow = margin + key + ": " + Self.flow(entry.node)
    if !Self.hasComments(entry.node), flow.count <= Self.longestLine || Self.isScalar(entry.node) {
      let note = entry.comment.map { "   # " + Printable.line($0) } ?? ""
      text += flow + note + "\n"
      return
    }
    if let note = entry.comment { comment(note, indentation: indentation) }
    text += margin + key + ":\n"
    switch entry.node {
    case .scalar: break
    case .mapping(let inner): write(inner, indentation: indentation + 2)
    case .list(let items): for item in items { write(item: item, margin + "  ", indentation + 4) }
    }
  }

  private mutating func write(item: YAMLNode, _ margin: String, _ indentation: Int) {
    let flow = margin + "- " + Self.flow(item)
    guard case .mapping(let inner) = item, flow.count > Self.longestLine || Self.hasComments(item) else {
      text += flow + "\n"
      return
    }
    var block = YAMLWriter()
    block.write(inner, indentation: indentation)
    // The first key stands behind the dash.
    let start = String(repeating: " ", count: indentation)
    text += margin + "- " + block.text.dropFirst(block.text.hasPrefix(start) ? indentation : 0)
  }

  private static func isScalar(_ node: YAMLNode) -> Bool { if case .scalar = node { true } else { false } }

  private static func hasComments(_ node: YAMLNode) -> Bool {
    switch node {
    case .scalar: false
    case .list(let items): items.contains { hasComments($0) }
    case .mapping(let mapping): mapping.entries.contains { $0.comment != nil || hasComments($0.node) }
    }
  }

  private static func flow(_ node: YAMLNode) -> String {
    switch node {
    case .scalar(let text): scalar(text)
    case .list(let items): "[" + items.map(flow).joined(separator: ", ") + "]"
    case .mapping(let mapping):
      "{ " + mapping.entries.map { scalar($0.key) + ": " + flow($0.node) }.joined(separator: ", ") + " }"
    }
  }

  /// Quoted unless it is certain to be plain.
  private static func scalar(_ text: String) -> String {
    func isPlain(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"): true
      default: false
      }
    }
    let bytes = Array(text.utf8)
    let isSafe = bytes.allSatisfy { isPlain($0) || "-:@ ".utf8.contains($0) }
    if let first = bytes.first, let last = bytes.last, isSafe,
      isPlain(first) || (first == UInt8(ascii: "-") && Int(text) != nil),
      isPlain(last), !text.contains(": ")
    {
      return text
    }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\" + String(scalar)
      case _ where scalar.value < 0x20 || 0x7f...0x9f ~= scalar.value: quoted += "?"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
