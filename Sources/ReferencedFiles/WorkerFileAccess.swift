import Configuration
import Domain
import Linux
import TLS

extension FileAccess {
  /// What a worker may open: the folders of the files that the configuration names, of what they link to, and what the
  /// system's libraries read. A folder, not a file: certificates are rotated by putting another file in their place.
  package init(for files: [FileReference]) {
    self.init()
    for file in files { allow(file) }
    for store in Trust.systemStores { allowFolder(of: store, .read) }
    for path in Self.readByResolver {
      guard let canonical = File.canonicalPath(of: path) else { continue }
      // Where systemd-resolved and NetworkManager write it, they put a new file in its place with every change.
      if canonical == path { allow(.read, below: path) } else { allowFolder(of: path, .read) }
    }
  }

  /// What one file's purpose needs.
  package mutating func allow(_ file: FileReference) {
    let rights: Rights =
      switch file.purpose {
      case .certificate, .privateKey, .trustAnchors, .errorPage: .read
      case .accessLog: .append
      case .affinity: .replace
      // The supervisor's.
      case .serverState, .hook, .advertisementKey: []
      }
    guard !rights.isEmpty else { return }
    // Where the name is, for the next file that is put there, and where it leads to now.
    if let folder = File.canonicalPath(of: File.directory(of: file.path)) { allow(rights, below: folder) }
    allowFolder(of: file.path, rights)
  }

  /// Whether any of this is allowed to the file that bears the name, or to what it links to.
  func allowsAny(of rights: Rights, to path: String) -> Bool {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let named = File.canonicalPath(of: File.directory(of: path)).map { $0 + "/" + name }
    return [named, File.canonicalPath(of: path)].compactMap { $0 }.contains { allowsAny(of: rights, at: $0) }
  }

  private mutating func allowFolder(of path: String, _ rights: Rights) {
    guard let canonical = File.canonicalPath(of: path) else { return }
    allow(rights, below: File.directory(of: canonical))
  }

  /// What getaddrinfo(3) reads, for the names of OCSP responders.
  private static let readByResolver = [
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
  ]
}
