import Foundation

/// Files of the repository that tests compare with, and write when asked to.
enum TestFile {
  /// By a path from this directory; empty when there is none, which no test expects.
  static func read(_ path: String) -> String {
    (try? String(contentsOfFile: absolute(path), encoding: .utf8)) ?? ""
  }

  static func write(_ text: String, to path: String) throws {
    try text.write(toFile: absolute(path), atomically: true, encoding: .utf8)
  }

  /// Whether this run was asked to write in place of comparing.
  static func isUpdating(_ variable: String) -> Bool {
    ProcessInfo.processInfo.environment[variable] != nil
  }

  private static func absolute(_ path: String) -> String {
    var directory = #filePath
    if let slash = directory.lastIndex(of: "/") { directory = String(directory[...slash]) }
    return directory + path
  }
}
