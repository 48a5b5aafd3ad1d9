import Configuration
import Testing

/// The files in `Golden` hold cases that a person can read: a sentence, a configuration, and what `belvedere check`
/// prints about it.
///
///     === a misspelt key is refused with a suggestion
///     service: view.domain.local
///     ...
///     ~~~
///     case.yaml:2:1: error: ...
///
/// `BELVEDERE_UPDATE_GOLDEN=1 swift test --filter GoldenTests` writes what is printed now into the files; read the
/// difference before it is committed.
@Suite struct GoldenTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let sentence: String
    let text: String
    let expected: String

    var testDescription: String { "\(file): \(sentence)" }

    var printed: String {
      let loaded = Configuration.load(text: text, fileName: "case.yaml", hostName: "lb1")
      let lines = loaded.diagnostics.map(\.rendered) + (loaded.configuration == nil ? [] : ["accepted"])
      return lines.joined(separator: "\n") + "\n"
    }
  }

  static let files = [
    "affinity", "errors", "health", "limits", "listen", "log", "mode", "redirect", "relay", "servers", "service",
    "services", "shape", "syntax", "timeouts", "tls", "trust", "vrrp", "pair", "observe", "access",
    "headers", "rates",
  ]

  static let cases = files.flatMap { file in
    TestFile.read("Golden/\(file).txt").split(separator: "=== ").map { part in
      let head = part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      let halves = (head.count > 1 ? String(head[1]) : "").split(
        separator: "~~~\n", maxSplits: 1, omittingEmptySubsequences: false)
      return Case(
        file: file, sentence: String(head[0]), text: halves.isEmpty ? "" : String(halves[0]),
        expected: halves.count > 1 ? String(halves[1]) : "")
    }
  }

  @Test(.enabled(if: !TestFile.isUpdating("BELVEDERE_UPDATE_GOLDEN")), arguments: cases)
  func `check prints this about a configuration`(_ example: Case) {
    #expect(example.printed == example.expected)
  }

  @Test(.enabled(if: TestFile.isUpdating("BELVEDERE_UPDATE_GOLDEN")))
  func `the golden files are rewritten`() throws {
    for file in GoldenTests.files {
      let parts = GoldenTests.cases.filter { $0.file == file }
      let text = parts.map { "=== \($0.sentence)\n\($0.text)~~~\n\($0.printed)" }.joined()
      try TestFile.write(text, to: "Golden/\(file).txt")
    }
  }
}
