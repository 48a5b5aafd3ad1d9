import Foundation

/// Files of the repository that tests compare with, and write when asked to.
enum TestFile {
  /// The file at a path relative to this directory; empty if there is none, which no test expects.
  static func read(_ path: String) -> String {
    (try? String(contentsOfFile: absolute(path), encoding: .utf8)) ?? ""
  }

  static func write(_ text: String, to path: String) throws {
    try text.write(toFile: absolute(path), atomically: true, encoding: .utf8)
  }

  /// Whether this run writes the files instead of comparing them.
  static func isUpdating(_ variable: String) -> Bool {
    ProcessInfo.processInfo.environment[variable] != nil
  }

  private static func absolute(_ path: String) -> String {
    var directory = #filePath
    if let slash = directory.lastIndex(of: "/") { directory = String(directory[...slash]) }
    return directory + path
  }
}
