import Wire

/// A file below the folder of the configuration, with its contents.
package struct ApplyFile: Hashable, Sendable {
  /// Relative to the folder: `tls/view.pem`.
  package let path: String
  package let contents: [UInt8]

  /// Nil unless the path leads below the folder without `.`, `..` and empty parts, and all limits are met.
  package init?(path: String, contents: [UInt8]) {
    guard Self.isBelow(path), contents.count <= ApplyProposal.fileBytes else { return nil }
    self.path = path
    self.contents = contents
  }

  private static func isBelow(_ path: String) -> Bool {
    guard 1...ApplyProposal.pathBytes ~= path.utf8.count, !path.unicodeScalars.contains(where: \.isControl) else {
      return false
    }
    return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) }
  }
}

/// What a node is to take over: a configuration, and the files that it names below its folder.
package struct ApplyProposal: Hashable, Sendable {
  /// The text of the configuration.
  package let configuration: [UInt8]
  /// No two have the same path.
  package private(set) var files: [ApplyFile] = []

  /// The most files beside the configuration: a certificate and a key for each of 32 services.
  package static let fileLimit = 64
  /// The most bytes of a file, the configuration included.
  package static let fileBytes = 1 << 20
  /// The most bytes in all.
  package static let bytes = 4 << 20
  /// The most bytes of a path.
  package static let pathBytes = 512

  /// Without files; nil when the configuration is too long.
  package init?(configuration: [UInt8]) {
    guard configuration.count <= Self.fileBytes else { return nil }
    self.configuration = configuration
  }

  /// Adds a file; false when there is one with its path, or a limit is not met.
  package mutating func add(_ file: ApplyFile) -> Bool {
    let total = files.reduce(configuration.count + file.contents.count) { $0 + $1.contents.count }
    guard files.count < Self.fileLimit, total <= Self.bytes, !files.contains(where: { $0.path == file.path }) else {
      return false
    }
    files.append(file)
    return true
  }
}
