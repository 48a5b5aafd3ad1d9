import Configuration
import Import
import Properties
import Simulation
import Testing

/// Mutations of the corpus, by seed.
@Suite struct ImportMutationTests {
  static let seeds = CorpusFile.names(endingIn: ".cfg").compactMap { try? CorpusFile.source($0).bytes }
  static let ends = seeds.map { Array($0.suffix(300)) }
  static let fragments = [
    "\"", "'", "\\", "\\x", "$", "\"${X", "#", "\n", " ", "\t", "\u{0}", "é", "{", "}", "[", "]", ":", ",", "-",
    "listen x\n", "$A=$A$A", "${A}", "@lb1 ", "@^lb2 ", "include *\n", "vrrp_instance X {\n", "~SEQ(",
    "defaults\n", "frontend f\n", "backend b\n", "server a 1.2.3.4:443 ssl\n", "bind :443 ssl crt x\n", ".if 1\n",
    ".endif\n",
    "18446744073709551616", "0", "99999d", "192.168.1.165", "*:443", "443", "if", "unless", "!", "*",
    "from x",
    "use_backend b if { hdr(host) a.b }\n", "stick-table type ip size 1m expire 1s\n", "mode tcp\n", "\u{2028}",
    "\u{85}",
  ]

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `arbitrary bytes never stop the import, and lose no word`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<30 {
      var bytes = Self.seeds.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        generator.mutate(&bytes, texts: Self.ends, fragments: Self.fragments)
      }
      let outcome = CorpusFile.outcome(SourceFile(path: "h.cfg", bytes: bytes))
      #expect(outcome.findings.allSatisfy { !$0.words.isEmpty && !$0.text.contains("\n") })
      guard let text = outcome.text else { continue }
      let loaded = Configuration.load(text: text, fileName: "b.yaml", hostName: "lb1")
      let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.rendered)
      #expect(
        errors.isEmpty, "\(String(decoding: bytes, as: UTF8.self))\n==\n\(errors.joined(separator: "\n"))\n==\n\(text)")
    }
  }

  static let conf = CorpusFile.names(endingIn: ".conf").compactMap { try? CorpusFile.source($0).bytes }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `arbitrary bytes in keepalived's file never stop the import, and lose no word`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      var bytes = Self.conf.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        generator.mutate(&bytes, texts: Self.ends, fragments: Self.fragments)
      }
      #expect(throws: Never.self, "\(String(decoding: bytes, as: UTF8.self))") { try ImportProperties.check(bytes) }
    }
  }

  @Test(arguments: [
    "$A=$A$A\n$A\n", "${A}", "a {\n", "}", "@lb1 $B=\\\n$B\n", "@h", "include self\n", "~SEQ(", "'", "!",
  ])
  func `a large file of keepalived's of repeated text is answered in time`(piece: String) {
    let text = "$A=${A}a\n$B=\\\n$B\\\n$B\n" + String(repeating: piece, count: 10_000 / piece.utf8.count)
    #expect(throws: Never.self) { try ImportProperties.check(Array(text.utf8)) }
  }

  @Test(arguments: [
    "\"", "a ", "\\", "server a 1.2.3.4\n", "listen x\nbind :1\nserver s 1.2.3.4\n", ".if (", ".if 1\n",
    "defaults d from d\n",
  ])
  func `a large file of repeated text is answered in time`(piece: String) {
    let text = String(repeating: piece, count: 10_000 / piece.utf8.count)
    _ = CorpusFile.outcome("listen v\nbind :443\n" + text)
  }
}
