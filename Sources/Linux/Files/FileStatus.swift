import Glibc

/// What stat(2) reports of a file.
struct FileStatus {
  private var status = stat()

  /// The file at the path, following symbolic links. Nil when there is none, or it is not accessible.
  init?(of path: String) {
    // SAFETY: the path is a C string during the call, which fills the structure in.
    guard unsafe stat(path, &status) == 0 else { return nil }
  }

  /// The same, of a symbolic link itself.
  init?(ofLink path: String) {
    // SAFETY: as above.
    guard unsafe lstat(path, &status) == 0 else { return nil }
  }

  init?(of file: borrowing Descriptor) {
    // SAFETY: the call fills the structure in.
    guard unsafe fstat(file.number, &status) == 0 else { return nil }
  }

  var isDirectory: Bool { status.st_mode & S_IFMT == S_IFDIR }
  var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
  var isLink: Bool { status.st_mode & S_IFMT == S_IFLNK }
  var isSocket: Bool { status.st_mode & S_IFMT == S_IFSOCK }
  var permissions: mode_t { status.st_mode & ~S_IFMT }
  var owner: uid_t { status.st_uid }
  var group: gid_t { status.st_gid }
  var size: Int { Int(status.st_size) }
  var identity: File.Identity { File.Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) }
}
