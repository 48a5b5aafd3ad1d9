import Import

/// Properties of the import of any file, as HAProxy's and as keepalived's: it is deterministic, prints visible lines, and
/// loses no word.
package enum ImportProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let file = SourceFile(path: "f", bytes: bytes)
    let smallest = SourceFile(path: "h", bytes: Array("listen a\nbind :443\nserver b 192.0.2.1:443\n".utf8))
    try check(bytes, isComment: "#") { Importer.run(haproxy: file, options) }
    // It includes itself, as often as the bounds allow.
    try check(bytes, isComment: "#!") { Importer.run(haproxy: smallest, keepalived: file, options) }
  }

  private static let options = ImportOptions(
    environment: ["A": "a b"], service: nil, hostName: "lb1",
    files: { $0.hasSuffix("self") ? [SourceFile(path: "g", bytes: Array("include self\nvrrp_script x {\n".utf8))] : [] }
  )

  private static func check(
    _ bytes: [UInt8], isComment: String, _ run: () -> Importer.Outcome
  ) throws(Violation) {
    let outcome = run()
    try require(outcome.findings == run().findings, "another report the second time")
    let lines =
      outcome.findings.map(\.text) + outcome.remarks + (outcome.text ?? "").split(separator: "\n").map(String.init)
    for line in lines {
      try require(!line.unicodeScalars.contains { $0.value < 0x20 || 0x7f...0x9f ~= $0.value }, "control characters")
    }
    var found: [Int: [String]] = [:]
    for word in outcome.findings.flatMap(\.words) where word.place.file == "f" {
      found[word.place.line, default: []].append(word.source)
    }
    // Words of lines without quotes, escapes and comments, cut in another way.
    for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
      guard !line.contains(where: { "\"'\\$\r\(isComment)".utf8.contains($0) }) else { continue }
      let words = line.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
      try require(found[index + 1] ?? [] == words, "line \(index + 1) is \(words) and was \(found[index + 1] ?? [])")
    }
  }
}
