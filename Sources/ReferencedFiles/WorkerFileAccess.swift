import Configuration
import Domain
import Linux
import TLS

extension FileAccess {
  /// What a worker may open: the folders of the files that the configuration names, of their link targets, and of the
  /// files that system libraries read. A folder, not a file: certificates are renewed by replacing the file.
  package init(for files: [FileReference]) {
    self.init()
    for file in files { allow(file) }
    for store in Trust.systemStores { allowFolder(of: store, .read) }
    for path in Self.readByResolver {
      guard let canonical = File.canonicalPath(of: path) else { continue }
      // systemd-resolved and NetworkManager replace the target of the link with every change, so its folder is allowed.
      if canonical == path { allow(.read, below: path) } else { allowFolder(of: path, .read) }
    }
  }

  /// Adds the rights that a file's purpose requires.
  package mutating func allow(_ file: FileReference) {
    let rights: Rights =
      switch file.purpose {
      case .certificate, .privateKey, .trustAnchors, .clientAuthorities, .revocationLists, .errorPage, .pairSecret:
        .read
      case .accessLog: .append
      case .affinity: .replace
      // Used by other processes.
      case .serverState, .hook, .advertisementKey, .observerToken, .observerCertificate, .observerKey: []
      }
    guard !rights.isEmpty else { return }
    // The folder of the name, for a file that replaces this one, and the folder of the current link target.
    if let folder = File.canonicalPath(of: File.directory(of: file.path)) { allow(rights, below: folder) }
    allowFolder(of: file.path, rights)
  }

  /// Whether any of these rights is allowed for the file or its link target.
  func allowsAny(of rights: Rights, to path: String) -> Bool {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let named = File.canonicalPath(of: File.directory(of: path)).map { $0 + "/" + name }
    return [named, File.canonicalPath(of: path)].compactMap { $0 }.contains { allowsAny(of: rights, at: $0) }
  }

  private mutating func allowFolder(of path: String, _ rights: Rights) {
    guard let canonical = File.canonicalPath(of: path) else { return }
    allow(rights, below: File.directory(of: canonical))
  }

  /// The files that getaddrinfo(3) reads, for the names of OCSP responders.
  private static let readByResolver = [
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
  ]
}
