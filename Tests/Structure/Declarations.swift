/// Finds declarations in formatted source: the lines of a declaration are indented further than its first line, except
/// for closing brackets.
extension SourceTree.SwiftFile {
  /// A function, an initialiser, a subscript or a computed property, and its number of lines.
  struct Function {
    let line: Int
    let count: Int
  }

  /// A struct, a class or an actor.
  struct TypeDeclaration {
    let name: String
    let line: Int
    let storedProperties: [String]
  }

  /// The lines of the declaration that contains a line, with the comments and attributes above it: a member of a type,
  /// or a top-level declaration.
  func declaration(around line: Int) -> ClosedRange<Int> {
    var first = head(of: line)
    while let parent = parent(of: first), !opensType(parent), !code[parent].trimmed.hasPrefix("#") { first = parent }
    let last = end(of: first)
    while first > 0, ["//", "@"].contains(where: { lines[first - 1].trimmed.hasPrefix($0) }) { first -= 1 }
    return first...last
  }

  var functions: [Function] {
    code.indices.compactMap { line in
      let (word, _, rest) = Self.beginning(of: code[line])
      let isFunction = ["func", "init", "deinit", "subscript"].contains(word)
      let isComputed = word == "var" && rest.hasSuffix("{") && !rest.contains("=")
      return isFunction || isComputed ? Function(line: line, count: end(of: line) - line + 1) : nil
    }
  }

  var types: [TypeDeclaration] {
    code.indices.compactMap { line in
      let (word, _, rest) = Self.beginning(of: code[line])
      guard ["struct", "class", "actor"].contains(word) else { return nil }
      let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "`" }
      return TypeDeclaration(name: String(name), line: line, storedProperties: storedProperties(ofTypeAt: line))
    }
  }

  /// The lines of types, functions, subscripts and initialisers that are visible to other targets and have no doc
  /// comment.
  ///
  /// A doc comment also covers the one-line declarations below it, up to an empty line. No doc comment is needed for a
  /// requirement of a protocol (`requirements`, in the form of `signature`), nor for an initialiser that only assigns
  /// each parameter to the property of the same name.
  func undocumented(requirements: Set<String>) -> [Int] {
    code.indices.filter { line in
      let (word, modifiers, _) = Self.beginning(of: code[line])
      guard Self.documented.contains(word), !modifiers.isDisjoint(with: ["package", "public"]) else { return false }
      let signature = signature(at: line)
      let isRequired = requirements.contains(signature) || Self.known.contains { signature.hasPrefix($0) }
      return !isRequired && !hasComment(line) && !(word == "init" && onlyAssigns(line))
    }
  }

  /// The functions that this file's protocols require.
  var requirements: [String] {
    code.indices.filter { Self.beginning(of: code[$0]).word == "protocol" }.flatMap { line in
      (line...end(of: line)).dropFirst().map(signature).filter { $0.hasPrefix("func ") }
    }
  }

  /// The first line of a declaration without its modifiers and its body.
  private func signature(at line: Int) -> String {
    let (word, _, rest) = Self.beginning(of: code[line])
    return "\(word) \(rest.prefix { $0 != "{" }.trimmed)"
  }

  private static let documented: Set = [
    "struct", "class", "enum", "actor", "protocol", "typealias", "func", "init", "subscript",
  ]
  /// Requirements of protocols in the standard library and in swift-log.
  private static let known = [
    "func ==", "func <", "func hash(into", "func encode(to encoder", "subscript (metadataKey", "func log(event",
  ]

  private func hasComment(_ line: Int) -> Bool {
    var above = line - 1
    while above >= 0, !lines[above].isEmpty, !lines[above].trimmed.hasPrefix("///") {
      let isAttribute = Self.beginning(of: code[above]).word.isEmpty
      let isOneLine = indentations[above] == indentations[line] && end(of: above) == above
      guard isAttribute || isOneLine else { return false }
      above -= 1
    }
    return above >= 0 && lines[above].trimmed.hasPrefix("///")
  }

  private func onlyAssigns(_ line: Int) -> Bool {
    let text = code[line...end(of: line)].joined(separator: "\n")
    guard let brace = text.firstIndex(of: "{") else { return false }
    let statements = text[brace...].dropFirst().dropLast().split(separator: "\n").map(\.trimmed).filter { !$0.isEmpty }
    return statements.allSatisfy { $0.wholeMatch(of: /self\.(\w+) = (\w+)/).map { $0.1 == $0.2 } ?? false }
  }

  private func storedProperties(ofTypeAt line: Int) -> [String] {
    let depth = (indentations[line] ?? 0) + 2
    return (line...end(of: line)).dropFirst().filter { indentations[$0] == depth }.flatMap { member in
      let (word, modifiers, rest) = Self.beginning(of: code[member])
      guard word == "let" || word == "var", modifiers.isDisjoint(with: ["static", "class"]) else { return [String]() }
      let names = rest.prefix { !":={".contains($0) }
      // A body without an initial value before it is a computed property's, unless it contains observers only.
      if let brace = rest.firstIndex(of: "{"), !rest[..<brace].contains("=") {
        let inside = rest[brace...].dropFirst().trimmed
        let body = inside.isEmpty ? code[member + 1].trimmed : inside
        guard body.hasPrefix("didSet") || body.hasPrefix("willSet") else { return [] }
      }
      return names.split(separator: ",").map(\.trimmed)
    }
  }

  /// The keyword of a declaration, the modifiers before it, and the rest of the line.
  private static func beginning(of line: String) -> (word: String, modifiers: Set<String>, rest: String) {
    let known: Set = [
      "package", "public", "private", "fileprivate", "internal", "static", "class", "final", "lazy", "weak", "unowned",
      "mutating", "consuming", "borrowing", "override", "convenience", "required", "nonisolated", "indirect",
    ]
    var rest = Substring(line.trimmed)
    var modifiers: Set<String> = []
    while true {
      let isAttribute = rest.hasPrefix("@")
      if isAttribute { rest = rest.dropFirst() }
      let word = String(rest.prefix { $0.isLetter || $0 == "_" })
      let after = rest.dropFirst(word.count)
      let isModifier = isAttribute || known.contains(word) && (word != "class" || !Self.namesType(after))
      guard isModifier, !word.isEmpty else { return (word, modifiers, after.trimmed) }
      modifiers.insert(word)
      rest = Substring(Self.behindBrackets(after).trimmed)
    }
  }

  /// Whether the text after `class` is a type's name; otherwise `class` is a modifier of a member.
  private static func namesType(_ text: Substring) -> Bool { text.trimmed.first?.isUppercase == true }

  /// The text after a leading pair of parentheses, or the whole text if there is none.
  private static func behindBrackets(_ text: Substring) -> Substring {
    guard text.hasPrefix("(") else { return text }
    var depth = 0
    for (index, character) in zip(text.indices, text) {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if depth == 0 { return text[index...].dropFirst() }
    }
    return ""
  }

  private func opensType(_ line: Int) -> Bool {
    let (word, _, _) = Self.beginning(of: code[line])
    return ["struct", "class", "enum", "extension", "protocol", "actor"].contains(word)
  }

  /// The first line of a statement that continues in this line: `) -> Int {` continues a line above it.
  private func head(of line: Int) -> Int {
    var line = line
    while goesOn(line), let above = above(line, orLevel: true) { line = above }
    return line
  }

  private func parent(of line: Int) -> Int? { above(line, orLevel: false).map(head) }

  /// The next line above with a smaller indentation, or with the same if `orLevel`.
  private func above(_ line: Int, orLevel: Bool) -> Int? {
    let own = indentations[line] ?? 0
    return indentations[..<line].lastIndex { $0.map { orLevel ? $0 <= own : $0 < own } ?? false }
  }

  private func end(of line: Int) -> Int {
    let own = indentations[line] ?? 0
    var end = line
    for next in code.indices.dropFirst(line + 1) {
      guard let indentation = indentations[next] else { continue }
      guard indentation > own || indentation == own && goesOn(next) else { break }
      end = next
    }
    return end
  }

  private func goesOn(_ line: Int) -> Bool {
    let text = code[line].trimmed
    return text.first.map { ")}]{".contains($0) } == true || text.hasPrefix("where ")
  }
}

extension StringProtocol {
  var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// Runs of letters, digits and underscores.
  var words: [SubSequence] { split { !$0.isLetter && !$0.isNumber && $0 != "_" } }

  /// Whether the text contains the word, with no letter, digit or underscore next to it.
  func containsWord(_ word: String) -> Bool {
    contains(word) && words.contains { $0 == word }
  }
}
