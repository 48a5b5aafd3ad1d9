/// `credential:NAME` instead of a path: a file that systemd provides to the service (`LoadCredential=`,
/// systemd.exec(5)), so that only root needs permission to read the original.
package enum Credential {
  private static let prefix = "credential:"

  /// Whether a path of a configuration is a credential whose directory is unknown, because systemd did not start this
  /// process.
  package static func isElsewhere(_ path: String) -> Bool { path.hasPrefix(prefix) }

  /// The credential's path in the service's credentials directory; nil when the text is a path.
  static func path(_ text: String, in folder: String?) -> String? {
    guard text.hasPrefix(prefix) else { return nil }
    return folder.map { $0 + "/" + text.dropFirst(prefix.count) } ?? text
  }

  /// Why the credential is invalid; nil if it is valid or not a credential.
  static func complaint(about text: String, as purpose: FileReference.Purpose) -> Complaint? {
    guard text.hasPrefix(prefix) else { return nil }
    let name = text.dropFirst(prefix.count)
    switch purpose {
    case .certificate, .privateKey, .pairSecret, .observerToken, .observerCertificate, .observerKey:
      guard name.isEmpty || name.contains("/") || name == "." || name == ".." else { return nil }
      return Complaint(
        message: "`\(text)` names no credential", suggestion: "`LoadCredential=NAME:PATH` of the unit names it.")
    case .trustAnchors, .clientAuthorities, .revocationLists, .errorPage, .accessLog, .affinity, .serverState, .hook,
      .advertisementKey:
      return Complaint(
        message: "`\(text)`: only certificates, keys and secrets can be credentials",
        suggestion: "Give the file's path.")
    }
  }
}
