import Configuration
import Foundation
import Import
import Testing

/// The files of the corpus. What becomes of each word is in Golden, for a person to read.
@Suite struct CorpusImportTests {
  static let files = CorpusFile.names(endingIn: ".cfg")

  @Test func `the corpus is found`() { #expect(Self.files.count >= 7) }

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
    let path = CorpusFile.directory + "Golden/" + name.replacing(".cfg", with: ".txt")
    if CorpusFile.isUpdating { try found.write(toFile: path, atomically: true, encoding: .utf8) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == found)
  }

  /// They are not copied here because of their licence.
  @Test func `HAProxy's own examples are accounted for and pass check, where they are installed`() throws {
    let folder = "/usr/share/doc/haproxy/examples/"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where name.hasSuffix(".cfg") {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + name)))
      let outcome = CorpusFile.outcome(SourceFile(path: name, bytes: bytes))
      #expect(outcome.findings.allSatisfy { !$0.words.isEmpty })
      guard let text = outcome.text else { continue }
      let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: "lb1")
      let errors = loaded.diagnostics.filter { $0.severity == .error }.map(\.rendered)
      #expect(errors.isEmpty, "\(name): \(errors.joined(separator: "\n"))\n\(text)")
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
