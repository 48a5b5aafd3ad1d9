import Configuration
import Simulation
import Testing

/// Mutations of valid files, by seed.
@Suite struct MutationTests {
  static let seeds =
    (Schema.sections.flatMap(\.keys).map { "\($0.name): \($0.example)\n" } + [
      TestFile.read("../../etc/belvedere.yaml"), DefaultTests.smallest, LoadTests.naming, DefaultTests.services,
    ]).map { Array($0.utf8) }

  static let fragments = [
    "{", "}", "[", "]", ": ", "- ", "\n", "  ", "\t", "\"", "'", "&a ", "*a", "!t ", "? ", "|\n", ">\n", "#", "---\n",
    "...\n", "%YAML 1.2\n", "~", "null", "\u{feff}", "\u{85}", "\u{2028}", "\u{0}", "é", "🏰", "off", "{a: 1, a: 2}",
    "18446744073709551616", "99999999999d", "::", "[::]:443", "*.", "/33",
  ]

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `arbitrary bytes never crash the loader, and its diagnostics are consistent`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var bytes = Self.seeds.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        generator.mutate(&bytes, texts: Self.seeds, fragments: Self.fragments)
      }
      check(bytes)
    }
  }

  /// Texts on which a parser easily takes quadratic time.
  @Test(arguments: [
    "[", "{a: ", "- ", "? ", "a, ", "{a: 1}, ", "&a ", "!a ", "'", "a: b\n", "#\n", "\"\\", "  a\n", "é",
  ])
  func `a large file of repeated text is answered in time`(piece: String) {
    check(Array(String(repeating: piece, count: 40_000 / piece.utf8.count).utf8))
    check(Array("service: [\(String(repeating: piece, count: 40_000 / piece.utf8.count))]".utf8))
  }

  private func check(_ bytes: [UInt8]) {
    let loaded = Configuration.load(bytes: bytes, fileName: "case.yaml", hostName: "lb1")
    let hasError = loaded.diagnostics.contains { $0.severity == .error }
    let text = String(decoding: bytes, as: UTF8.self)
    #expect((loaded.configuration == nil) == hasError, "\(text)")
    for diagnostic in loaded.diagnostics {
      #expect(!diagnostic.rendered.isEmpty)
      guard let mark = diagnostic.place?.mark else { continue }
      #expect(mark.line >= 1 && mark.column >= 1 && mark.length >= 0, "\(text)")
    }
    guard let configuration = loaded.configuration else { return }
    #expect(!configuration.services.isEmpty)
    for service in configuration.services {
      #expect(!service.names.isEmpty && !service.servers.isEmpty && !service.listeners.isEmpty)
      #expect(service.mode == .passthrough || !service.tls.certificates.isEmpty)
    }
  }
}
