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

  /// What an include of a file of the corpus names.
  @Sendable private static func files(matching pattern: String) -> [SourceFile] {
    let name = pattern.replacing("*", with: "")
    return names(endingIn: name).compactMap { try? source($0) }
  }

  /// The import of keepalived.conf beside the smallest haproxy.cfg that needs no person; only its own findings.
  static func outcome(keepalived file: SourceFile) -> Importer.Outcome {
    let proxies = SourceFile(
      path: "h.cfg", bytes: Array("listen view\nmode tcp\nbind :443\nserver s 192.168.1.165:443 check\n".utf8))
    let outcome = Importer.run(
      haproxy: proxies, keepalived: file,
      ImportOptions(environment: [:], service: "view.domain.local", hostName: "lb1.domain.local", files: files))
    return Importer.Outcome(
      text: outcome.text, findings: outcome.findings.filter { $0.words.first?.place.file != "h.cfg" },
      remarks: outcome.remarks)
  }

  /// The import of a text.
  static func outcome(_ text: String, service: String? = nil, environment: [String: String] = [:]) -> Importer.Outcome {
    outcome(SourceFile(path: "h.cfg", bytes: Array(text.utf8)), service: service, environment: environment)
  }

  static func outcome(
    _ file: SourceFile, service: String? = nil, environment: [String: String] = [:]
  ) -> Importer.Outcome {
    Importer.run(
      haproxy: file, ImportOptions(environment: environment, service: service, hostName: "lb1", files: files))
  }

  static let isUpdating = ProcessInfo.processInfo.environment["BELVEDERE_UPDATE_GOLDEN"] != nil
}
