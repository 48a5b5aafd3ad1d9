import Foundation
import Testing

/// Files in other targets that may use `unsafe`: each wraps one external interface.
private let unsafeFiles: Set = ["Sources/Configuration/Text/YAMLParser.swift"]
private let unsafeTargets: Set = ["Linux", "TLS", "Systemd"]

/// Targets on the path of requests. Their interface is `public`, because -cross-module-optimization (Package.swift)
/// inlines no body of a `package` declaration into another module. Nothing outside the package imports them.
private let optimisedTargets: Set = ["Wire", "Domain", "HTTP1", "Balancing", "Exchange", "Linux", "TLS"]

/// Targets that only calculate.
let pureTargets: Set = [
  "Wire", "Domain", "HTTP1", "Balancing", "Exchange", "WorkerProtocol", "Control", "VRRP", "Pair", "Apply", "Observe",
  "Screen", "Import", "Doctor",
]

@Suite struct `Rules of the source tree` {
  @Test func `the source tree is found`() {
    #expect(SourceTree.sources.count > 50)
    #expect(SourceTree.tests.count > 20)
  }

  @Test func `file names are unique`() {
    // File names required by Python and pytest in each folder.
    let prescribed: Set = ["__init__.py", "conftest.py"]
    let paths = (SourceTree.sources + SourceTree.tests).map(\.path) + SourceTree.scripts.map(\.path)
    let files = Dictionary(grouping: paths) { path in path.split(separator: "/").last.map(String.init) ?? path }
    for (name, places) in files where places.count > 1 && !prescribed.contains(name) {
      Issue.record("\(name) is in \(places.sorted().joined(separator: ", "))")
    }
  }

  @Test func `unsafe is used only where an external interface is wrapped`() {
    for file in SourceTree.sources where !unsafeTargets.contains(file.target) && !unsafeFiles.contains(file.path) {
      for (number, line) in file.code.enumerated() where line.containsWord("unsafe") {
        Issue.record("\(file.path):\(number + 1) is no edge")
      }
    }
  }

  @Test func `each unsafe has a SAFETY line in its function, or at the declaration that it belongs to`() {
    for file in SourceTree.sources {
      for (number, line) in file.code.enumerated() where line.containsWord("unsafe") {
        let declaration = file.lines[file.declaration(around: number)]
        let explains = declaration.contains { $0.contains("// SAFETY: ") }
        #expect(explains, "\(file.path):\(number + 1)")
      }
    }
  }

  @Test func `forced casts, fatal errors and open notes are forbidden`() {
    let forbidden = ["try!", "as!", "unowned(unsafe)", "fatalError(", "@preconcurrency"]
    for file in SourceTree.sources {
      for (number, line) in file.code.enumerated() {
        for word in forbidden where line.contains(word) {
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

  /// What waits is told of its event by a descriptor, with a time-out: one that sleeps and looks again finds it late, and
  /// wakes for nothing.
  @Test func `nothing sleeps`() {
    for file in SourceTree.sources {
      for (number, line) in file.code.enumerated() where line.contains("sleep(") {
        Issue.record("\(file.path):\(number + 1) sleeps")
      }
    }
  }

  @Test func `a target's interface is public on the data path and package elsewhere, so that it is inlined`() {
    for file in SourceTree.sources {
      let wrong = optimisedTargets.contains(file.target) ? "package" : "public"
      for (number, line) in file.code.enumerated() {
        for word in [wrong, "inlinable", "usableFromInline"] where line.containsWord(word) {
          Issue.record("\(file.path):\(number + 1) has \(word)")
        }
      }
    }
  }

  /// `@inline(always)` guarantees what `@inline(__always)` only asks for (SE-0496). It also makes a public declaration
  /// inlinable, so that its body could use nothing internal.
  @Test func `what is always inlined is @inline(always), or @inline(__always) if it is public`() {
    for file in SourceTree.sources {
      for (number, line) in file.code.enumerated() where line.contains("always)") {
        let declaration = file.code[number...].first { $0.contains(/\b(?:func|var|init|subscript|get)\b/) } ?? ""
        let form = declaration.containsWord("public") ? "@inline(__always)" : "@inline(always)"
        #expect(line.contains(form), "\(file.path):\(number + 1)")
      }
    }
  }

  @Test func `types, functions and initialisers that other targets use have a doc comment`() {
    let requirements = Set(SourceTree.sources.flatMap(\.requirements))
    for file in SourceTree.sources {
      for line in file.undocumented(requirements: requirements) { Issue.record("\(file.path):\(line + 1)") }
    }
  }

  @Test func `no file or type has a meaningless name`() {
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
    let forbidden = ["ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".random(", "Task", "async"]
    for file in SourceTree.sources where pureTargets.contains(file.target) {
      for (number, line) in file.code.enumerated() {
        for word in forbidden where word.hasSuffix("(") ? line.contains(word) : line.containsWord(word) {
          let hasGenerator = line.contains("using:")
          if !hasGenerator { Issue.record("\(file.path):\(number + 1) has \(word)") }
        }
      }
    }
  }

  @Test func `Package.swift disables no check`() throws {
    let manifest = try String(contentsOf: SourceTree.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    for flag in ["Ounchecked", "enforce-exclusivity", "disable-"] { #expect(!manifest.contains(flag)) }
    for setting in [".strictMemorySafety()", ".treatAllWarnings(as: .error)"] { #expect(manifest.contains(setting)) }
  }
}
