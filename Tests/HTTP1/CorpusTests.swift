import Foundation
import Properties
import Testing

/// Seeds of the fuzzer, and what it found once: none may break a property again.
struct CorpusTests {
  private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Corpus")

  @Test(arguments: ["request-head", "response-head", "chunked-body"])
  func `the properties hold for every input in the corpus`(target: String) throws {
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.corpus.appending(path: target), includingPropertiesForKeys: nil)
    #expect(files.count > 5)
    for file in files {
      let input = [UInt8](try Data(contentsOf: file))
      #expect(throws: Never.self, "\(file.lastPathComponent)") {
        switch target {
        case "request-head": try RequestHeadProperties.check(input)
        case "response-head": try ResponseHeadProperties.check(input)
        default: try ChunkedBodyProperties.check(input)
        }
      }
    }
  }
}
