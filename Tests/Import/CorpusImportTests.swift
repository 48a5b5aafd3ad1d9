import Configuration
import Foundation
import Import
import Properties
import Testing

/// The files of the corpus. What becomes of each word is in Golden, for a person to read.
@Suite struct CorpusImportTests {
  static let files = CorpusFile.names(endingIn: ".cfg")

  static let keepalived = CorpusFile.names(endingIn: ".conf")

  @Test func `the corpus is found`() { #expect(Self.files.count >= 7 && Self.keepalived.count >= 3) }

  /// Cut by the test's own rule: spaces, and comments after a space. Files with quotes have a test of their own.
  @Test(arguments: files.filter { $0 != "quoting.cfg" })
  func `every word of a file has exactly one verdict, in the file's order`(name: String) throws {
    let file = try CorpusFile.source(name)
    var words: [String] = []
    for line in String(decoding: file.bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      words += parts.prefix { !$0.hasPrefix("#") }
    }
    #expect(CorpusFile.outcome(file).findings.flatMap(\.words).map(\.source) == words)
  }

  /// Cut by the test's own rule, for files without quotes that contain spaces.
  @Test(arguments: ["classic.conf", "nodes.conf"])
  func `every word of keepalived's files has exactly one verdict, in the order in which they are read`(name: String)
    throws
  {
    let quoted = [
      "\"killall -0 haproxy\"", "\"/usr/local/bin/master.sh a b\"", "\"/bin/ping -c 1 192.168.1.1\"",
      "\"/usr/bin/pgrep haproxy\"",
    ]
    func read(_ name: String) throws -> [String] {
      var words: [String] = []
      for line in String(decoding: try CorpusFile.source(name).bytes, as: UTF8.self).split(separator: "\n") {
        var line = String(line.prefix { $0 != "#" && $0 != "!" })
        for text in quoted { line = line.replacing(text, with: text.replacing(" ", with: "_")) }
        let parts = line.split(whereSeparator: { $0 == " " }).map(String.init)
        words += parts.map { word in quoted.first { $0.replacing(" ", with: "_") == word } ?? word }
        if parts.first == "include" { words += try read(parts[1]) }
      }
      return words
    }
    let found = CorpusFile.outcome(keepalived: try CorpusFile.source(name)).findings.flatMap(\.words).map(\.source)
    #expect(found == (try read(name)))
  }

  @Test(arguments: keepalived)
  func `what was imported of keepalived passes check, and is as a person has read it`(name: String) throws {
    let outcome = CorpusFile.outcome(keepalived: try CorpusFile.source(name))
    let text = try #require(outcome.text)
    for host in ["lb1", "lb2"] where name != "blocks.conf" {
      let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: host)
      let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.rendered)
      #expect(errors.isEmpty, "\(errors.joined(separator: "\n"))\n\(text)")
    }
    let report = outcome.findings.map(\.text) + outcome.remarks.map { "to be filled in: \($0)" }
    try Self.compare(
      text + "\n" + report.joined(separator: "\n") + "\n", with: name.replacing(".conf", with: "-conf.txt"))
  }

  private static func compare(_ found: String, with name: String) throws {
    let path = CorpusFile.directory + "Golden/" + name
    if CorpusFile.isUpdating { try found.write(toFile: path, atomically: true, encoding: .utf8) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == found)
  }

  @Test(arguments: files)
  func `what was imported passes check`(name: String) throws {
    let text = try #require(CorpusFile.outcome(try CorpusFile.source(name)).text)
    let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: "lb1")
    let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.rendered)
    #expect(errors.isEmpty, "\(errors.joined(separator: "\n"))\n\(text)")
    #expect(loaded.configuration != nil)
  }

  @Test(arguments: files)
  func `what was imported, and what became of each word, is as a person has read it`(name: String) throws {
    let outcome = CorpusFile.outcome(try CorpusFile.source(name))
    let report = outcome.findings.map(\.text) + outcome.remarks.map { "to be filled in: \($0)" }
    let found = (outcome.text ?? "nothing was written\n") + "\n" + report.joined(separator: "\n") + "\n"
    try Self.compare(found, with: name.replacing(".cfg", with: ".txt"))
  }

  /// They are not copied here because of their licence.
  @Test func `HAProxy's own examples are accounted for and pass check, where they are installed`() throws {
    let folder = "/usr/share/doc/haproxy/examples/"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where name.hasSuffix(".cfg") {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + name)))
      let outcome = CorpusFile.outcome(SourceFile(path: name, bytes: bytes))
      #expect(throws: Never.self, "\(name)") { try ImportProperties.check(bytes) }
      guard let text = outcome.text else { continue }
      let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: "lb1")
      let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.rendered)
      #expect(errors.isEmpty, "\(name): \(errors.joined(separator: "\n"))\n\(text)")
    }
  }

  @Test func `keepalived's own examples are accounted for, where they are installed`() throws {
    let folder = "/usr/share/doc/keepalived/samples/"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where name.hasPrefix("keepalived.conf") {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + name)))
      let outcome = CorpusFile.outcome(keepalived: SourceFile(path: name, bytes: bytes))
      let unknown = outcome.findings.filter { $0.text.hasSuffix("the import does not know this") }
      // One has a form of groups that keepalived itself no longer knows.
      #expect(unknown.isEmpty || name.hasSuffix("lvs_syncd"), "\(unknown.map(\.text).joined(separator: "\n"))")
      #expect(throws: Never.self, "\(name)") { try ImportProperties.check(bytes) }
    }
  }

  @Test func `the defaults that the import leaves out are those of the schema`() {
    for (key, value) in Standards.values {
      let parts = key.split(separator: ".").map(String.init)
      let section = parts.count == 1 ? "the file" : parts.dropLast().joined(separator: ".")
      let described = Schema.sections.first { $0.name == section }?.keys.first { $0.name == parts[parts.count - 1] }
      #expect(described?.standard.replacing("`", with: "") == value, "\(key)")
    }
  }
}
