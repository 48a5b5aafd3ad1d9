import CLinux
import Glibc

/// A file that was replaced atomically. The old one stays beside it, as `NAME.before`, until the next replacement.
public struct FileReplacement: Sendable {
  public let path: String
  private let existed: Bool

  /// Replaces a regular file; the new one has its owner, group and mode. A file that did not exist belongs to this user
  /// and can be read by the group of its folder. Throws ELOOP for a symbolic link, EINVAL for what is no file.
  public init(_ path: String, with contents: Span<UInt8>) throws(SystemError) {
    try Self.requireRegular(path)
    self.path = path
    let permissions = File.Permissions(of: path)
    existed = permissions != nil
    if existed { try Self.keep(path) }
    try File.replace(path, with: contents, permissions ?? File.Permissions(forSecretAt: path))
    try Self.synchronize(folderOf: path)
  }

  /// Puts the old file back, or removes the new one.
  public func undo() throws(SystemError) {
    // SAFETY: the paths are C strings during the calls.
    let result = unsafe existed ? rename(Self.former(path), path) : unlink(path)
    guard result == 0 else { throw SystemError("rename \(Self.former(path))") }
    try Self.synchronize(folderOf: path)
  }

  /// Throws unless the path is a regular file, or there is nothing in an existing folder.
  public static func requireRegular(_ path: String) throws(SystemError) {
    guard let status = FileStatus(ofLink: path) else {
      guard FileStatus(of: File.directory(of: path))?.isDirectory == true else {
        throw SystemError("open \(File.directory(of: path))", code: ENOENT)
      }
      return
    }
    guard !status.isLink else { throw SystemError("open \(path)", code: ELOOP) }
    guard status.isRegular else { throw SystemError("open \(path)", code: EINVAL) }
  }

  private static func former(_ path: String) -> String { path + ".before" }

  /// Gives the file a second name; a file that had that name is replaced.
  private static func keep(_ path: String) throws(SystemError) {
    let draft = former(path) + ".new"
    // SAFETY: the paths are C strings during the calls.
    _ = unsafe unlink(draft)
    guard unsafe link(path, draft) == 0 else { throw SystemError("link \(draft)") }
    guard unsafe rename(draft, former(path)) == 0 else { throw SystemError("rename \(draft)") }
    // Renaming one name of a file to another name of it does nothing.
    _ = unsafe unlink(draft)
  }

  /// Waits until the folder's names are on the disk.
  private static func synchronize(folderOf path: String) throws(SystemError) {
    let folder = File.directory(of: path)
    // SAFETY: the path is a C string during the call.
    let descriptor = try Descriptor(unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), of: "open \(folder)")
    guard retryingInterrupts({ fsync(descriptor.number) }) == 0 else { throw SystemError("fsync \(folder)") }
  }
}

/// The right to change the files of a folder, which one process has at a time (flock(2)).
public struct FolderLock: ~Copyable {
  private let descriptor: Descriptor

  /// Nil when another process has it.
  public init?(_ folder: String) throws(SystemError) {
    // SAFETY: the path is a C string during the call.
    let descriptor = try Descriptor(unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), of: "open \(folder)")
    guard retryingInterrupts({ flock(descriptor.number, LOCK_EX | LOCK_NB) }) == 0 else {
      guard cl_errno() == EWOULDBLOCK else { throw SystemError("flock \(folder)") }
      return nil
    }
    self.descriptor = descriptor
  }
}
