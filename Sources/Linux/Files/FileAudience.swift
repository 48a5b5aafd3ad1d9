import Glibc

extension File {
  /// Who but its owner may read or write a file.
  public enum Audience: Hashable, Sendable {
    case nobody
    /// A group that this process does not belong to.
    case group
    /// Every user of the machine.
    case everybody
  }

  /// Who may read or write this file besides its owner and the group of this process. A folder above that others may not
  /// enter keeps them out. Root, which belongs to the group of no service, is told of everybody alone.
  public static func audience(of path: String) -> Audience {
    // SAFETY: stat fills the structure in; the path is a C string during the call.
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return .nobody }
    if status.st_mode & (S_IROTH | S_IWOTH) != 0, isReachable(path, by: S_IXOTH) { return .everybody }
    let isForeign = geteuid() != 0 && status.st_gid != getegid()
    if status.st_mode & (S_IRGRP | S_IWGRP) != 0, isForeign, isReachable(path, by: S_IXGRP | S_IXOTH) { return .group }
    return .nobody
  }

  /// Whether every folder above the file lets somebody of these bits in.
  private static func isReachable(_ path: String, by bits: mode_t) -> Bool {
    guard var folder = canonicalPath(of: path) else { return false }
    while folder != "/" {
      folder = directory(of: folder)
      // SAFETY: as above.
      var status = stat()
      guard unsafe stat(folder, &status) == 0, status.st_mode & bits != 0 else { return false }
    }
    return true
  }
}
