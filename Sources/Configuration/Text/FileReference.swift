/// A file that the configuration names, and where it does so.
package struct FileReference: Hashable, Sendable {
  /// What a file is for.
  package enum Purpose: Sendable {
    /// A chain in PEM; with its private key unless that has a file of its own.
    case certificate
    case privateKey
    /// Certificates in PEM that servers are verified against.
    case trustAnchors
    /// Read at start.
    case errorPage
    /// Appended to; made when it is not there.
    case accessLog
    /// Read at start, replaced as a whole from time to time and at the end.
    case affinity
    /// Read at start, replaced as a whole when an operator changes a server's state.
    case serverState
    /// Run, never read.
    case hook
    /// A key that signs advertisements, in hexadecimal digits.
    case advertisementKey

    var isWritten: Bool { [.accessLog, .affinity, .serverState].contains(self) }
  }

  package let purpose: Purpose
  /// The name of the service that it belongs to; empty where that has none, and of what all share.
  package let service: String
  /// Absolute, unless both it and the configuration file's name are relative.
  package let path: String
  /// Where the configuration names it.
  package let mark: Mark
}
