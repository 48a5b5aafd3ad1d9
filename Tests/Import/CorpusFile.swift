import Foundation
import Import

/// Files of HAProxy and keepalived, and what the import makes of them.
enum CorpusFile {
  static let directory: String = {
    let file = #filePath
    return String(file[...(file.lastIndex(of: "/") ?? file.startIndex)])
  }()

  /// The files of the corpus with this suffix, by name.
  static func names(endingIn suffix: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: directory + "Corpus")) ?? []
    return all.filter { $0.hasSuffix(suffix) }.sorted()
  }

  static func source(_ name: String) throws -> SourceFile {
    let data = try Data(contentsOf: URL(fileURLWithPath: directory + "Corpus/" + name))
    return SourceFile(path: name, bytes: [UInt8](data))
  }

  /// The import of a text.
  static func outcome(_ text: String, service: String? = nil, environment: [String: String] = [:]) -> Importer.Outcome {
    outcome(SourceFile(path: "h.cfg", bytes: Array(text.utf8)), service: service, environment: environment)
  }

  static func outcome(
    _ file: SourceFile, service: String? = nil, environment: [String: String] = [:]
  ) -> Importer.Outcome {
    Importer.run(haproxy: file, ImportOptions(environment: environment, service: service, hostName: "lb1"))
  }

  static let isUpdating = ProcessInfo.processInfo.environment["BELVEDERE_UPDATE_GOLDEN"] != nil
}
