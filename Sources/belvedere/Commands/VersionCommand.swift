import ArgumentParser
import Linux
import TLS

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Print the versions of Belvedere and its libraries.")

  func run() {
    StandardStream.output.write(
      """
      belvedere \(Versions.belvedere)
      \(opensslVersion)
      Swift \(Versions.swift)

      """)
  }
}

/// The versions of this binary and its libraries.
enum Versions {
  static let belvedere = "0.1.0"
  /// The statically linked standard library.
  static var swift: String { "\(_SwiftStdlibVersion.current)".split(separator: ".").prefix(2).joined(separator: ".") }
}
