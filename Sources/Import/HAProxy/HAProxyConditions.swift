/// The conditional blocks of haproxy.cfg (configuration.txt, section 2.4).
struct HAProxyConditions {
  /// Deepest nesting of blocks and of parentheses.
  static let deepest = 64

  private struct Block {
    /// Whether the lines around the block apply.
    let isOuterActive: Bool
    /// Whether one of its conditions was true.
    var wasTrue: Bool
    var isActive: Bool
  }

  private var blocks: [Block] = []
  /// Blocks beyond the deepest, which are not evaluated.
  private var excess = 0

  /// Whether the lines that follow apply.
  var isActive: Bool { excess == 0 && blocks.last?.isActive != false }
  /// Whether a block is open.
  var isOpen: Bool { !blocks.isEmpty }

  /// The verdict on a line that is a directive for blocks; nil for any other.
  mutating func handle(_ words: [String], environment: [String: String]) -> Verdict? {
    let condition = words.dropFirst().joined(separator: " ")
    func evaluate() -> Bool {
      var parser = ConditionParser(condition, environment)
      return parser.parse()
    }
    switch words.first {
    case ".if":
      guard blocks.count < Self.deepest else {
        excess += 1
        return .impossible("nest blocks less than \(Self.deepest) deep")
      }
      let isTrue = isActive && evaluate()
      blocks.append(Block(isOuterActive: isActive, wasTrue: isTrue, isActive: isTrue))
    case ".elif", ".else":
      guard excess == 0 else { break }
      guard var block = blocks.popLast() else { return .impossible("there is no .if") }
      block.isActive = block.isOuterActive && !block.wasTrue && (words.first == ".else" || evaluate())
      block.wasTrue = block.wasTrue || block.isActive
      blocks.append(block)
    case ".endif":
      if excess > 0 { excess -= 1 } else if blocks.popLast() == nil { return .impossible("there is no .if") }
    case ".diag", ".notice", ".warning", ".alert": return .notNeeded("a message to the administrator")
    default: return nil
    }
    return .notNeeded("the lines after it \(isActive ? "apply" : "do not apply") here")
  }
}

/// One condition. What asks for HAProxy itself (`feature`, `version_atleast`) is taken for a recent one with everything.
private struct ConditionParser {
  private let text: [Character]
  private var position = 0
  private let environment: [String: String]

  init(_ text: String, _ environment: [String: String]) {
    self.text = Array(text.prefix(2048))
    self.environment = environment
  }

  mutating func parse() -> Bool { disjunction(HAProxyConditions.deepest) }

  private mutating func disjunction(_ depth: Int) -> Bool {
    var value = conjunction(depth)
    while take("||") {
      let other = conjunction(depth)
      value = value || other
    }
    return value
  }

  private mutating func conjunction(_ depth: Int) -> Bool {
    var value = term(depth)
    while take("&&") {
      let other = term(depth)
      value = value && other
    }
    return value
  }

  private mutating func term(_ depth: Int) -> Bool {
    guard depth > 0 else { return false }
    if take("!") { return !term(depth - 1) }
    if take("(") {
      let value = disjunction(depth - 1)
      _ = take(")")
      return value
    }
    var name = ""
    while position < text.count, text[position].isLetter || text[position].isNumber || text[position] == "_" {
      name.append(text[position])
      position += 1
    }
    guard take("(") else { return Int(name).map { $0 != 0 } ?? false }
    var arguments = [""]
    while position < text.count, text[position] != ")" {
      if text[position] == "," { arguments.append("") } else { arguments[arguments.count - 1].append(text[position]) }
      position += 1
    }
    _ = take(")")
    let trimmed = arguments.map { $0.filter { !" \"'".contains($0) } }
    switch name {
    case "defined": return environment[trimmed[0]] != nil
    case "streq": return trimmed.count == 2 && trimmed[0] == trimmed[1]
    case "strneq": return trimmed.count == 2 && trimmed[0] != trimmed[1]
    case "feature", "version_atleast": return true
    default: return false
    }
  }

  /// Skips this text, after spaces, if it is next.
  private mutating func take(_ token: String) -> Bool {
    var next = position
    while next < text.count, text[next] == " " { next += 1 }
    guard text[next...].starts(with: token) else { return false }
    position = next + token.count
    while position < text.count, text[position] == " " { position += 1 }
    return true
  }
}
