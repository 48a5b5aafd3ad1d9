/// The sections of haproxy.cfg with their lines (configuration.txt, section 2.1).
struct HAProxyFile: Sendable {
  /// Bounds for one file; the files of sites have some hundred lines. Each section has all lines of its `defaults`.
  static let mostLines = 5000
  static let mostSections = 256

  struct Section: Sendable {
    let kind: String
    /// Empty if the section has none.
    let name: String
    /// The defaults that a `from` names.
    let origin: String?
    let header: Statement
    var lines: [Statement] = []
  }

  private(set) var sections: [Section] = []

  private static let kinds: Set = [
    "global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "userlist", "mailers", "cache",
    "program", "http-errors", "ring", "log-forward", "fcgi-app", "crt-store", "traces", "log-profile", "acme",
  ]

  /// Every word gets its place in the ledger; lines that do not apply and lines that are damaged get their verdict.
  init(_ source: SourceFile, environment: [String: String], _ ledger: inout Ledger) {
    var lexer = HAProxyLexer(file: source.path, environment: environment)
    var conditions = HAProxyConditions()
    var number = 0
    var index = 0
    let bytes = source.bytes
    while index < bytes.count {
      let end = bytes[index...].firstIndex(of: 0x0a) ?? bytes.count
      number += 1
      let line = lexer.words(of: bytes.span.extracting(index..<end), number: number)
      index = end + 1
      guard !line.words.isEmpty else { continue }
      let statement = Statement(words: line.words.map(\.text), range: ledger.add(line.words))
      guard number <= Self.mostLines else {
        ledger.settle(statement.range, .impossible("split the file, which has more than \(Self.mostLines) lines"))
        continue
      }
      if let verdict = conditions.handle(statement.words, environment: lexer.environment) {
        ledger.settle(statement.range, verdict)
        continue
      }
      guard conditions.isActive else {
        ledger.settle(statement.range, .notNeeded("the condition of its block is not met"))
        continue
      }
      if let problem = line.problem { ledger.settle(statement.range, .impossible(problem)) }
      add(statement, &lexer, &ledger)
    }
  }

  private mutating func add(_ statement: Statement, _ lexer: inout HAProxyLexer, _ ledger: inout Ledger) {
    if Self.kinds.contains(statement.words[0]) {
      guard sections.count < Self.mostSections else {
        return ledger.settle(statement.range, .impossible("a file may have \(Self.mostSections) sections"))
      }
      let isNamed = statement[1].map { $0 != "from" } ?? false
      let from = statement.words.firstIndex(of: "from").flatMap { statement[$0 + 1] }
      let name = isNamed ? statement.words[1] : ""
      sections.append(Section(kind: statement.words[0], name: name, origin: from, header: statement))
      lexer.section = name.isEmpty ? statement.words[0] : name
      // `listen NAME ADDRESS` is no longer valid, and anything else there neither.
      ledger.settle(
        statement.place(0..<(isNamed ? 2 : 1) + (from == nil ? 0 : 2)), .notNeeded("a service has no sections"))
    } else if sections.isEmpty {
      ledger.settle(statement.range, .impossible("move this below a section such as `frontend`"))
    } else {
      sections[sections.count - 1].lines.append(statement)
      if sections.last?.kind == "global" { setVariable(statement, &lexer, &ledger) }
    }
  }

  private func setVariable(_ statement: Statement, _ lexer: inout HAProxyLexer, _ ledger: inout Ledger) {
    guard let name = statement[1] else { return }
    switch statement.words[0] {
    case "setenv": lexer.environment[name] = statement[2] ?? ""
    case "presetenv" where lexer.environment[name] == nil: lexer.environment[name] = statement[2] ?? ""
    case "presetenv": break
    case "unsetenv": for name in statement.words.dropFirst() { lexer.environment[name] = nil }
    case "resetenv":
      let kept = Set(statement.words.dropFirst())
      lexer.environment = lexer.environment.filter { kept.contains($0.key) }
    default: return
    }
    ledger.settle(statement.range, .notNeeded("the variable is replaced by its value"))
  }
}

/// A file to import.
package struct SourceFile: Sendable {
  /// As given, for the report.
  package let path: String
  package let bytes: [UInt8]

  package init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }
}
