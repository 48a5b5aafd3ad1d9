import Foundation

/// The repository's own files, as the rules look at them.
enum SourceTree {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A Swift file and its lines.
  struct File {
    /// From the root, with slashes.
    let path: String
    let lines: [String]

    var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }
    /// The directory below Sources or Tests.
    var target: String { String(path.split(separator: "/")[1]) }

    /// The lines without comments and without the text of one-line string literals.
    var code: [String] {
      lines.map { line in
        var code = ""
        var isText = false
        var isEscaped = false
        for (index, character) in zip(line.indices, line) {
          if !isText, line[index...].hasPrefix("//") { break }
          if character == "\"", !isEscaped { isText.toggle() }
          isEscaped = character == "\\" && !isEscaped
          if !isText { code.append(character) }
        }
        return code
      }
    }
  }

  /// Every Swift file below a directory of the root, sorted by path.
  static func swiftFiles(below directory: String) -> [File] {
    let base = root.appendingPathComponent(directory)
    guard let found = FileManager.default.enumerator(atPath: base.path) else { return [] }
    return found.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { relative in
      guard let text = try? String(contentsOf: base.appendingPathComponent(relative), encoding: .utf8) else {
        return nil
      }
      return File(path: directory + "/" + relative, lines: text.components(separatedBy: "\n"))
    }
  }

  static let sources = swiftFiles(below: "Sources")
  static let tests = swiftFiles(below: "Tests")
}
