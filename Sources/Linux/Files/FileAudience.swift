import Glibc

extension File {
  /// Who can read or write a file besides its owner.
  public enum Audience: Hashable, Sendable {
    case owner
    /// A group that this process does not belong to.
    case group
    /// Every user.
    case anyUser
  }

  /// Who can read or write this file besides its owner and this process's group. A directory above that others can't
  /// enter protects it. For root, which belongs to no service's group, only `anyUser` is reported.
  public static func audience(of path: String) -> Audience {
    guard let status = FileStatus(of: path) else { return .owner }
    if status.permissions & (S_IROTH | S_IWOTH) != 0, isReachable(path, by: S_IXOTH) { return .anyUser }
    let isForeign = geteuid() != 0 && status.group != getegid()
    if isForeign, status.permissions & (S_IRGRP | S_IWGRP) != 0, isReachable(path, by: S_IXGRP | S_IXOTH) {
      return .group
    }
    return .owner
  }

  /// Whether only its owner, which is this process's user, may read and write the file.
  public static func isPrivate(_ path: String) -> Bool {
    guard let status = FileStatus(of: path) else { return false }
    return status.owner == geteuid() && status.permissions & (S_IRWXG | S_IRWXO) == 0
  }

  /// Whether no user but this process's and root can add, replace or remove names in the folder.
  public static func isFolderProtected(_ path: String) -> Bool {
    guard let status = FileStatus(of: path), status.isDirectory else { return false }
    return [0, geteuid()].contains(status.owner) && status.permissions & (S_IWGRP | S_IWOTH) == 0
  }

  /// Whether every directory above the file has any of these permission bits.
  private static func isReachable(_ path: String, by bits: mode_t) -> Bool {
    guard var folder = canonicalPath(of: path) else { return false }
    while folder != "/" {
      folder = directory(of: folder)
      guard let status = FileStatus(of: folder), status.permissions & bits != 0 else { return false }
    }
    return true
  }
}
