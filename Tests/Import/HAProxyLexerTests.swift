import Import
import Testing

/// Words, quotes and variables (configuration.txt, sections 2.1 to 2.4).
@Suite struct HAProxyLexerTests {
  /// The words of a line below `backend b`.
  private func words(_ line: String, _ environment: [String: String] = [:]) -> [String] {
    let outcome = CorpusFile.outcome("backend b\n\(line)\n", environment: environment)
    return outcome.findings.flatMap(\.words).filter { $0.place.line == 2 }.map(\.text)
  }

  @Test(arguments: [
    ("a b\tc", ["a", "b", "c"]),
    (#"a#b c"#, ["a"]),
    (##"a\#b \ c"##, ["a#b", " c"]),
    (#"log-format %{+Q}o\ %t\ %s"#, ["log-format", "%{+Q}o %t %s"]),
    (#"log-format "%{+Q}o %t"' %s %{-Q}r'"#, ["log-format", "%{+Q}o %t %s %{-Q}r"]),
    (#"a 'b # "c" \n $X' d"#, ["a", #"b # "c" \n $X"#, "d"]),
    (#"a "b \"c\" \\ \$X \x41\n""#, ["a", "b \"c\" \\ $X A\n"]),
    (#"a "" b"#, ["a", "", "b"]),
    (#"a \q"#, ["a", #"\q"#]),
    (#"a $X "$X" "${X}y" "${Z-none}" "${X-none}""#, ["a", "$X", "v w", "v wy", "none", "v w"]),
    (#"a "${.LINE}:$.SECTION""#, ["a", "2:b"]),
  ])
  func `a line is cut into words as HAProxy cuts it`(line: String, expected: [String]) {
    #expect(words(line, ["X": "v w"]) == expected)
  }

  @Test(arguments: [
    (#"timeout server "5s"#, "close the quote"), (#"timeout server "$NONE""#, "set the variable NONE"),
    (#"timeout server "${X""#, "close the brace"), (#"timeout server "\x4""#, "two hexadecimal digits"),
  ])
  func `a line that can not be read needs a person`(line: String, advice: String) throws {
    let finding = try #require(CorpusFile.outcome("backend b\n\(line)\n").findings.last)
    #expect(finding.verdict.needsPerson && finding.text.contains(advice), "\(finding.text)")
  }

  @Test(arguments: [
    ("1", true), ("0", false), ("", false), ("!0", true), ("1 && 0 || 1", true), ("1 && (0 || 0)", false),
    ("defined(X)", true), ("defined(Y)", false), ("streq(a,a)", true), ("strneq(a,a)", false),
    ("feature(OPENSSL)", true), ("version_atleast(2.4)", true), ("version_before(2.4)", false),
  ])
  func `lines of a block apply if its condition is met`(condition: String, isMet: Bool) {
    let text = "global\n.if \(condition)\nmaxconn 5\n.else\nmaxconn 6\n.endif\n"
    let findings = CorpusFile.outcome(text, environment: ["X": ""]).findings
    let applied = findings.filter { if case .taken = $0.verdict { true } else { false } }
    #expect(applied.map { $0.words.map(\.text) } == [["maxconn", isMet ? "5" : "6"]])
  }

  @Test func `a line that no word of the import knows is not lost`() throws {
    let findings = CorpusFile.outcome("global\nnonsense 1 2\nfrontend f\nbind :80 new-thing\n").findings
    #expect(findings.filter(\.verdict.needsPerson).contains { $0.words.map(\.text) == ["nonsense", "1", "2"] })
    #expect(findings.contains { $0.words.map(\.text).contains("new-thing") && $0.verdict.needsPerson })
  }
}
