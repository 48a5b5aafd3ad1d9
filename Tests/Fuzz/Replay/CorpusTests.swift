import Foundation
import Properties
import Testing

/// The seeds of the fuzzer and its former findings: every property must hold for them.
@Suite struct CorpusTests {
  private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus")

  @Test(arguments: Property.all)
  func `the property holds for every input of its corpus`(property: Property) throws {
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.corpus.appending(path: property.name), includingPropertiesForKeys: nil)
    #expect(files.count > 5)
    for file in files {
      let input = [UInt8](try Data(contentsOf: file))
      #expect(throws: Never.self, "\(file.lastPathComponent)") { try property.check(input) }
    }
  }

  @Test func `every corpus belongs to a property`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
    #expect(Set(folders) == Set(Property.all.map(\.name)))
  }
}
