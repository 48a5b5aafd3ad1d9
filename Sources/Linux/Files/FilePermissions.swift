import Glibc

extension File {
  /// Who may read and write a file.
  public struct Permissions: Sendable {
    let owner: uid_t
    let group: gid_t
    let mode: mode_t

    /// Those of an existing file.
    public init?(of path: String) {
      guard let status = FileStatus(of: path) else { return nil }
      (owner, group, mode) = (status.owner, status.group, status.permissions)
    }

    /// Those of a secret that this user writes and the group of the file's folder reads; nil without such a folder.
    public init?(forSecretAt path: String) {
      guard let folder = FileStatus(of: File.directory(of: path)) else { return nil }
      (owner, group, mode) = (geteuid(), folder.group, S_IRUSR | S_IWUSR | S_IRGRP)
    }

    /// Applies them to an open file of this user.
    func apply(to file: borrowing Descriptor, _ path: String) throws(SystemError) {
      guard fchown(file.number, owner, group) == 0, fchmod(file.number, mode) == 0 else {
        throw SystemError("chown \(path)")
      }
    }
  }
}
