import Foundation

/// The source files of the repository.
enum SourceTree {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file and its lines.
  struct File {
    /// Relative to the root, with slashes.
    let path: String
    let lines: [String]

    var name: String { URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent }
    /// The directory below Sources or Tests.
    var target: String { String(path.split(separator: "/")[1]) }
  }

  /// A Swift file, with its code separated from comments and string literals.
  struct SwiftFile {
    let file: File
    /// The lines without comments and without the text of string literals.
    let code: [String]
    /// The indentation of each line in spaces; nil for lines without code.
    let indentations: [Int?]

    var path: String { file.path }
    var lines: [String] { file.lines }
    var name: String { file.name }
    var target: String { file.target }

    init(_ file: File) {
      self.file = file
      var isLongText = false
      code = file.lines.map { line in
        let isOneOfLongText = isLongText
        if line.components(separatedBy: "\"\"\"").count.isMultiple(of: 2) { isLongText.toggle() }
        return isOneOfLongText ? "" : Self.code(of: line)
      }
      indentations = code.map { line in
        let count = line.utf8.prefix { $0 == UInt8(ascii: " ") }.count
        return count < line.utf8.count ? count : nil
      }
    }

    private static func code(of line: String) -> String {
      var code: [UInt8] = []
      var isText = false
      var isEscaped = false
      let bytes = Array(line.utf8)
      for (index, byte) in bytes.enumerated() {
        if !isText, byte == UInt8(ascii: "/"), bytes[(index + 1)...].first == UInt8(ascii: "/") { break }
        if byte == UInt8(ascii: "\""), !isEscaped { isText.toggle() }
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        if !isText { code.append(byte) }
      }
      return String(decoding: code, as: UTF8.self)
    }
  }

  /// All files with this suffix below a directory of the root, sorted by path.
  static func files(endingIn suffix: String, below directory: String) -> [File] {
    let base = root.appendingPathComponent(directory)
    guard let found = FileManager.default.enumerator(atPath: base.path) else { return [] }
    return found.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }.sorted().compactMap { relative in
      guard let text = try? String(contentsOf: base.appendingPathComponent(relative), encoding: .utf8) else {
        return nil
      }
      return File(path: directory + "/" + relative, lines: text.components(separatedBy: "\n"))
    }
  }

  /// The text of a file in the root directory.
  static func text(of name: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
  }

  static let sources = files(endingIn: ".swift", below: "Sources").map(SwiftFile.init)
  static let tests = files(endingIn: ".swift", below: "Tests").map(SwiftFile.init)
  static let scripts = ["Tests", "packaging"].flatMap { files(endingIn: ".py", below: $0) }
}
