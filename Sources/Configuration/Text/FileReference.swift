/// A file referenced by the configuration, and the position of the reference.
package struct FileReference: Hashable, Sendable {
  /// The purpose of a file.
  package enum Purpose: Sendable {
    /// A PEM chain, with its private key unless the key has a file of its own.
    case certificate
    case privateKey
    /// PEM certificates for the verification of servers.
    case trustAnchors
    /// PEM certificates for the verification of clients.
    case clientAuthorities
    /// PEM revocation lists of these.
    case revocationLists
    /// Read at the start.
    case errorPage
    /// Appended to; created if missing.
    case accessLog
    /// Read at the start, replaced atomically from time to time and at the end.
    case affinity
    /// Read at the start, replaced atomically when an operator changes a server's state.
    case serverState
    /// Executed, never read.
    case hook
    /// A key for signing advertisements, in hexadecimal digits.
    case advertisementKey
    /// The secret of a pair. Read at the start and at each reload.
    case pairSecret
    /// The token of `belvedere observe`. Read at its start.
    case observerToken
    /// The certificate and the private key of `belvedere observe`. Read at its start.
    case observerCertificate, observerKey

    /// Those of `belvedere observe`.
    package static let ofObserver: Set<Purpose> = [.observerToken, .observerCertificate, .observerKey]

    /// Those of other processes, which a confined worker can't open.
    package static let ofOthers = ofObserver.union([.serverState, .hook, .advertisementKey])

    var isWritten: Bool { [.accessLog, .affinity, .serverState].contains(self) }
  }

  package let purpose: Purpose
  /// The name of its service; empty if the service has none, and for files that all services share.
  package let service: String
  /// Absolute, unless both it and the configuration file's name are relative.
  package let path: String
  /// The position of the reference in the configuration.
  package let mark: Mark
}
