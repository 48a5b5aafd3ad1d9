import Foundation
import Testing

/// Files above 400 lines, each with the reason why it is one concept all the same.
private let longFiles: [String: String] = [:]

/// Files outside the edges that may say `unsafe`: each is an edge of its own.
private let unsafeFiles: Set = ["Sources/Configuration/Text/YAMLParser.swift"]
private let unsafeTargets: Set = ["Linux", "TLS", "Systemd"]

/// Files that may say `public`, on what is `@inlinable` and what that needs: Swift 6.3 carries no body of a `package`
/// declaration into another module, and these are called dozens of times a request.
private let inlinedFiles: Set = [
  "Sources/Exchange/Attempt.swift", "Sources/Exchange/Cursor.swift", "Sources/Exchange/Exchange.swift",
  "Sources/Linux/Memory/Buffer.swift", "Sources/Linux/Memory/Leased.swift", "Sources/Linux/Memory/Slab.swift",
  "Sources/Linux/Events/Poller.swift", "Sources/Linux/Events/PollerToken.swift",
  "Sources/Linux/Events/Readiness.swift", "Sources/Wire/Time/Instant.swift",
]

@Suite struct `Rules of the source tree` {
  @Test func `there is a source tree to look at`() {
    #expect(SourceTree.sources.count > 50)
    #expect(SourceTree.tests.count > 20)
  }

  @Test func `no file is longer than 400 lines without a reason`() {
    for file in SourceTree.sources + SourceTree.tests where file.lines.count > 400 {
      #expect(longFiles[file.path] != nil, "\(file.path) has \(file.lines.count) lines")
    }
    for path in longFiles.keys {
      let file = (SourceTree.sources + SourceTree.tests).first { $0.path == path }
      #expect((file?.lines.count ?? 0) > 400, "\(path) needs no exception")
    }
  }

  @Test func `a file name stands once in the tree`() {
    let files = Dictionary(grouping: SourceTree.sources + SourceTree.tests) { file in
      file.path.split(separator: "/").last.map(String.init) ?? file.path
    }
    for (name, places) in files where places.count > 1 {
      Issue.record("\(name) is in \(places.map(\.path).sorted().joined(separator: ", "))")
    }
  }

  @Test func `unsafe stays in the edges, and says why it is safe`() {
    for file in SourceTree.sources {
      let lines = file.code.filter { $0.containsWord("unsafe") }
      guard !lines.isEmpty else { continue }
      #expect(unsafeTargets.contains(file.target) || unsafeFiles.contains(file.path), "\(file.path) is no edge")
      let explains = file.lines.contains { $0.contains("SAFETY") }
      #expect(explains, "\(file.path) has no SAFETY line")
    }
  }

  @Test func `nothing is forced and nothing is left to do`() {
    let forbidden = ["try!", "as!", "unowned(unsafe)", "fatalError(", "@preconcurrency", "public "]
    for file in SourceTree.sources {
      for (number, line) in file.code.enumerated() {
        for word in forbidden where line.contains(word) {
          if word == "public ", inlinedFiles.contains(file.path) { continue }
          Issue.record("\(file.path):\(number + 1) has \(word)")
        }
      }
    }
    let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    for file in SourceTree.sources + SourceTree.tests {
      for (number, line) in file.lines.enumerated() {
        for note in notes where line.containsWord(note) {
          Issue.record("\(file.path):\(number + 1) has \(note)")
        }
      }
    }
  }

  @Test func `no file or type has a name that says nothing`() {
    let empty = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities", "Base", "Common", "Misc"]
    let kinds = ["struct", "class", "enum", "actor", "protocol"]
    for file in SourceTree.sources + SourceTree.tests {
      #expect(!empty.contains { file.name.hasSuffix($0) }, "\(file.path)")
      for line in file.code {
        let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
        for (kind, name) in zip(words, words.dropFirst()) where kinds.contains(kind) {
          #expect(!empty.contains { name.hasSuffix($0) }, "\(file.path): \(name)")
        }
      }
    }
  }

  @Test func `a pure target asks for no clock and no chance of its own`() {
    let pure: Set = ["Wire", "HTTP1", "Balancing", "Exchange", "Roles", "Control", "VRRP"]
    let forbidden = ["ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".random(", "Task", "async"]
    for file in SourceTree.sources where pure.contains(file.target) {
      for (number, line) in file.code.enumerated() {
        for word in forbidden where word.hasSuffix("(") ? line.contains(word) : line.containsWord(word) {
          let hasGenerator = line.contains("using:")
          if !hasGenerator { Issue.record("\(file.path):\(number + 1) has \(word)") }
        }
      }
    }
  }

  @Test func `the package turns no check off`() throws {
    let manifest = try String(contentsOf: SourceTree.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    for flag in ["Ounchecked", "enforce-exclusivity", "disable-"] { #expect(!manifest.contains(flag)) }
    for setting in [".strictMemorySafety()", ".treatAllWarnings(as: .error)"] { #expect(manifest.contains(setting)) }
  }
}

extension String {
  /// Whether the word stands in it with no letter, digit or underscore beside it.
  fileprivate func containsWord(_ word: String) -> Bool {
    split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == word }
  }
}
