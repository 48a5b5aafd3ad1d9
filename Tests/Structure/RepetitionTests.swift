import Testing

/// Which tests each sanitizer repeats. Sources/README.md names for each thing that it can find a fault in the tests of it.
@Suite struct `Repetitions under sanitizers` {
  @Test func `Sources/README.md names every file with state shared by threads`() throws {
    let marks = /\b(?:Mutex|Atomic)\b[<(]|@unchecked Sendable|nonisolated\(unsafe\)/
    let sharing = SourceTree.sources.filter { file in
      file.target != "Demo" && file.code.contains { $0.contains(marks) }
    }
    let named = try Self.rows(of: "What threads share", cells: 4).flatMap { Self.names(in: $0[2]) }
    #expect(Set(named).sorted() == sharing.map(\.name).sorted())
  }

  @Test func `all state that a lock or an atomic protects has tests that the thread sanitizer repeats`() throws {
    let rows = try Self.rows(of: "What threads share", cells: 4)
    for row in rows where row[1].contains("lock") || row[1].contains("atomic") {
      #expect(!Self.names(in: row[3]).isEmpty, "\(row[0])")
    }
    expectSame(rows.flatMap { Self.names(in: $0[3]) }, marked: "threads")
  }

  @Test func `all code with unsafe has tests that the address sanitizer repeats`() throws {
    let rows = try Self.rows(of: "Where memory is not safe", cells: 3)
    let unsafe = SourceTree.sources.filter { file in file.code.contains { $0.containsWord("unsafe") } }
    let folders = Set(unsafe.map { $0.path.split(separator: "/").dropFirst().dropLast().joined(separator: "/") })
    #expect(rows.flatMap { Self.names(in: $0[0]) }.sorted() == folders.sorted())
    for row in rows { #expect(!Self.names(in: row[2]).isEmpty, "\(row[0])") }
    expectSame(rows.flatMap { Self.names(in: $0[2]) }, marked: "memory")
  }

  @Test func `unit tests of pure targets are skipped, and no others`() throws {
    let makefile = try SourceTree.text(of: "Makefile")
    let list = try #require(makefile.firstMatch(of: /PURE_TESTS := (.*)/))
    // Tests/Pair is the suite of nodes in namespaces.
    let tests = pureTargets.map { $0 == "Pair" ? "PairChannel" : $0 }
    #expect(list.1.split(separator: " ").map(String.init).sorted() == tests.sorted())
  }

  /// The named tests exist, and the end-to-end tests among them are those with the mark.
  private func expectSame(_ named: [String], marked mark: String) {
    let repeated = SourceTree.scripts.filter { $0.lines.contains { $0.contains("pytest.mark." + mark) } }.map(\.name)
    #expect(Set(named).subtracting(SourceTree.tests.map(\.name)).sorted() == repeated.sorted())
  }

  /// The rows of the tables with so many columns in this section of Sources/README.md.
  private static func rows(of title: String, cells: Int) throws -> [[Substring]] {
    let sections = try SourceTree.text(of: "Sources/README.md").split(separator: "\n## ")
    let section = try #require(sections.first { $0.hasPrefix(title) })
    let rows = section.split(separator: "\n").map { $0.split(separator: "|") }
    return rows.filter { $0.count == cells && $0[1] != "---" && !$0[0].contains("`unsafe`") }
  }

  private static func names(in cell: Substring) -> [String] {
    cell.matches(of: /`([\w\/]+)`/).map { String($0.1) }
  }
}
