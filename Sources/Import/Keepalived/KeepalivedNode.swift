/// A line of keepalived.conf as one node reads it, with the block that it opens.
struct KeepalivedNode: Sendable {
  var words: [String] = []
  /// Their places in the ledger; a variable's place for all words of its value.
  var places: [Int] = []
  var children: [KeepalivedNode] = []

  /// All places of it and of its block.
  var allPlaces: [Int] { places + children.flatMap(\.allPlaces) }

  /// The first child with this keyword.
  func child(_ keyword: String) -> KeepalivedNode? { children.last { $0.words.first == keyword } }
}

/// Reads the lines that apply to one node, with variables replaced, as a tree of blocks.
struct KeepalivedTree {
  /// Most words after all replacements.
  static let mostWords = 20_000
  static let deepest = 16

  private(set) var root: [KeepalivedNode] = []
  private var open: [KeepalivedNode] = []
  private var variables: [String: [[UInt8]]] = [:]
  private var count = 0
  private let host: String

  init(_ file: KeepalivedFile, host: String, _ ledger: inout Ledger) {
    self.host = host
    for line in file.lines where line.condition?.applies(to: host) ?? true {
      if let definition = line.definition {
        variables[definition.name] = definition.value
      } else {
        add(zip(line.tokens, line.places).map { ($0, $1) }, depth: 0, &ledger)
      }
    }
    while !open.isEmpty { close() }
  }

  /// Adds a line after the replacement of its variables.
  private mutating func add(_ tokens: [(KeepalivedLexer.Token, Int)], depth: Int, _ ledger: inout Ledger) {
    var node = KeepalivedNode()
    for (token, place) in tokens {
      count += 1
      guard count <= Self.mostWords else { return ledger.settle([place], .impossible("shorten the file")) }
      if token.source.contains("$"), let lines = replaced(token.source) {
        guard depth < Self.deepest else {
          ledger.settle([place], .impossible("nest variables less deeply"))
          continue
        }
        let inner = lines.map { KeepalivedLexer.tokens($0).tokens.map { ($0, place) } }
        if inner.count > 1 {
          finish(&node)
          for line in inner {
            if let name = line.first?.0.source, name.hasPrefix("$"), let end = name.firstIndex(of: "=") {
              variables[String(name[name.index(after: name.startIndex)..<end])] = [
                Array(name[name.index(after: end)...].utf8)
              ]
            } else {
              add(line, depth: depth + 1, &ledger)
            }
          }
          continue
        }
        for (word, place) in inner.first ?? [] { take(word, place, &node, &ledger) }
        if inner.first?.isEmpty != false { ledger.settle([place], .notNeeded("the variable is empty")) }
        continue
      }
      take(token, place, &node, &ledger)
    }
    finish(&node)
  }

  private mutating func take(
    _ token: KeepalivedLexer.Token, _ place: Int, _ node: inout KeepalivedNode, _ ledger: inout Ledger
  ) {
    switch token.source {
    case "{":
      ledger.settle([place], .notNeeded("opens a block"))
      guard open.count < Self.deepest else {
        return ledger.settle([place], .impossible("nest blocks less deeply"))
      }
      // The bracket may have a line of its own.
      if node.words.isEmpty, let last = popLast() { node = last }
      open.append(node)
      node = KeepalivedNode()
    case "}":
      finish(&node)
      ledger.settle([place], open.isEmpty ? .impossible("there is no open block") : .notNeeded("closes a block"))
      close()
    case let source where Self.endsWithBracket(source) && token.text == source:
      // A bracket without a space before it.
      let (word, bracket) = (String(source.dropLast()), String(source.suffix(1)))
      take(KeepalivedLexer.Token(text: word, source: word), place, &node, &ledger)
      take(KeepalivedLexer.Token(text: bracket, source: bracket), place, &node, &ledger)
    default:
      node.words.append(token.text)
      node.places.append(place)
    }
  }

  /// Whether a word has one bracket, at its end.
  private static func endsWithBracket(_ word: String) -> Bool {
    guard let place = word.utf8.firstIndex(where: { "{}".utf8.contains($0) }) else { return false }
    return place != word.startIndex && word.utf8.index(after: place) == word.endIndex
  }

  private mutating func popLast() -> KeepalivedNode? {
    if open.isEmpty { return root.popLast() }
    return open[open.count - 1].children.popLast()
  }

  private mutating func finish(_ node: inout KeepalivedNode) {
    guard !node.words.isEmpty else { return }
    if open.isEmpty { root.append(node) } else { open[open.count - 1].children.append(node) }
    node = KeepalivedNode()
  }

  private mutating func close() {
    guard let block = open.popLast() else { return }
    if open.isEmpty { root.append(block) } else { open[open.count - 1].children.append(block) }
  }

  /// The lines that a word with variables stands for; nil if it has none that are defined.
  private func replaced(_ word: String) -> [[UInt8]]? {
    var lines: [[UInt8]] = [Array(word.utf8)]
    var hasChanged = false
    for _ in 0..<Self.deepest {
      guard let next = replacedOnce(lines) else { break }
      lines = next
      hasChanged = true
      guard lines.count <= 512, lines.reduce(0, { $0 + $1.count }) < 65_536 else { return nil }
      // Lines of a definition are read by themselves.
      if lines.count > 1 { break }
    }
    return hasChanged ? lines : nil
  }

  private func replacedOnce(_ lines: [[UInt8]]) -> [[UInt8]]? {
    guard lines.count == 1 else { return nil }
    let line = lines[0]
    guard let start = line.firstIndex(of: UInt8(ascii: "$")), start + 1 < line.count else { return nil }
    var index = start
    while index < line.count {
      guard line[index] == UInt8(ascii: "$") else {
        index += 1
        continue
      }
      let isBraced = index + 1 < line.count && line[index + 1] == UInt8(ascii: "{")
      var end = index + (isBraced ? 2 : 1)
      let first = end
      while end < line.count, VariableName.contains(line[end]) { end += 1 }
      let name = String(decoding: line[first..<end], as: UTF8.self)
      let isEnded = isBraced ? end < line.count && line[end] == UInt8(ascii: "}") : end == line.count
      if isEnded, let value = value(of: name) {
        let rest = line[(isBraced ? end + 1 : end)...]
        guard value.count > 1 else { return [Array(line[..<index]) + (value.first ?? []) + rest] }
        return index == 0 && rest.isEmpty ? value : nil
      }
      index = end
    }
    return nil
  }

  private func value(of name: String) -> [[UInt8]]? {
    switch name {
    case "_INSTANCE": [Array(host.utf8)]
    case "_HASH": [Array("\\#".utf8)]
    case "_BANG": [Array("\\!".utf8)]
    default: variables[name]
    }
  }
}
