import Domain
import Foundation
import Testing
import Wire

@testable import Doctor

/// Every sentence that doctor can print is in a finding that a change of a healthy node provokes.
@Suite struct `Every line of doctor` {
  @Test func `each text in the sources of the judges was provoked`() throws {
    let printed = try Self.provoked().flatMap { [$0.check, $0.text, $0.fix] }
    let texts = try Self.texts()
    #expect(texts.count > 80, "the sources are found")
    for text in texts {
      #expect(printed.contains { Self.matches($0, text) }, "no finding has “\(text.joined(separator: "…"))”")
    }
  }

  @Test func `each check has each verdict that the table gives it`() throws {
    var verdicts: [String: Set<Finding.Verdict>] = [:]
    for finding in try Self.provoked() { verdicts[finding.check, default: []].insert(finding.verdict) }
    #expect(Set(verdicts.keys) == Set(Check.all.map(\.name)))
    for check in Check.all { #expect(verdicts[check.name]?.contains(.ok) == true, "\(check.name)") }
    #expect(verdicts.filter { $0.value == [.ok] }.isEmpty, "a check that never finds anything")
  }

  private static func provoked() throws -> [Finding] {
    try (ProvokedFacts.changes + [{ _ in }]).flatMap { Check.findings(try SampleNode.facts($0)) }
  }

  /// Whether the parts are in the text in their order.
  private static func matches(_ printed: String, _ parts: [String]) -> Bool {
    var rest = printed[...]
    for part in parts {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }

  /// The string literals with several words in Sources/Doctor/Judging, each in its parts between interpolations.
  private static func texts() throws -> [[String]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/Doctor/Judging")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).flatMap { file in
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      let code = lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
      var scanner = LiteralScanner(code: Array(code))
      scanner.scanCode(until: nil)
      return scanner.literals.filter { $0.joined().contains(" ") && $0.joined().count > 5 }
        // Characters that separate words of rules.
        .filter { $0.joined().contains { $0.isLetter } }
    }
  }
}

/// Finds string literals, also those in interpolations.
private struct LiteralScanner {
  let code: [Character]
  private(set) var literals: [[String]] = []
  private var index = 0

  init(code: [Character]) { self.code = code }

  /// Reads code up to the closing bracket of an interpolation, or to the end.
  mutating func scanCode(until end: Character?) {
    var depth = 0
    while index < code.count {
      let character = code[index]
      index += 1
      switch character {
      case "\"": scanLiteral()
      case "(": depth += 1
      case ")":
        if depth == 0, end == ")" { return }
        depth -= 1
      default: break
      }
    }
  }

  private mutating func scanLiteral() {
    var parts = [""]
    while index < code.count, code[index] != "\"" {
      if code[index] == "\\", index + 1 < code.count {
        index += 2
        if code[index - 1] == "(" {
          scanCode(until: ")")
          parts.append("")
        } else if code[index - 1] == "\"" {
          parts[parts.count - 1].append("\"")
        } else {
          parts.append("")
        }
        continue
      }
      parts[parts.count - 1].append(code[index])
      index += 1
    }
    index += 1
    literals.append(parts.filter { !$0.isEmpty })
  }
}
