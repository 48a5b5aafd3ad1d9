/// `credential:NAME` in the place of a path: a file that systemd hands over when it starts the service
/// (`LoadCredential=`, systemd.exec(5)), so that nobody but root needs to be able to read the original.
package enum Credential {
  private static let prefix = "credential:"

  /// Whether a path of a configuration is a credential whose folder is not known: that of a process which systemd did not
  /// start.
  package static func isElsewhere(_ path: String) -> Bool { path.hasPrefix(prefix) }

  /// The credential's path in the folder that systemd told the service; nil when this is a path and no credential.
  static func path(_ text: String, in folder: String?) -> String? {
    guard text.hasPrefix(prefix) else { return nil }
    return folder.map { $0 + "/" + text.dropFirst(prefix.count) } ?? text
  }

  /// What is wrong with it, if it is one.
  static func complaint(about text: String, as purpose: FileReference.Purpose) -> Complaint? {
    guard text.hasPrefix(prefix) else { return nil }
    let name = text.dropFirst(prefix.count)
    switch purpose {
    case .certificate, .privateKey:
      guard name.isEmpty || name.contains("/") || name == "." || name == ".." else { return nil }
      return Complaint(
        message: "`\(text)` names no credential", suggestion: "`LoadCredential=NAME:PATH` of the unit names it.")
    case .trustAnchors, .errorPage, .accessLog, .affinity, .serverState, .hook, .advertisementKey:
      return Complaint(
        message: "`\(text)`: only a certificate and its key can be credentials", suggestion: "Give the file's path.")
    }
  }
}
