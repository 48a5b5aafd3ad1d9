import CLinux
import Glibc

/// Files that the operator names.
public enum File {
  /// The whole file. More than `limit` bytes is EFBIG. Waits for what is to come through a pipe only when it `mayWait`.
  public static func contents(of path: String, limit: Int, mayWait: Bool = false) throws(SystemError) -> [UInt8] {
    let waiting = mayWait ? 0 : O_NONBLOCK
    let file = try Descriptor(unsafe open(path, O_RDONLY | O_CLOEXEC | waiting), of: "open \(path)")
    var contents: [UInt8] = []
    while true {
      let before = contents.count
      guard before <= limit else { throw SystemError("read \(path)", code: EFBIG) }
      var count = 0
      unsafe contents.append(
        contentsOf: [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, initialized in
          // SAFETY: the kernel fills at most `buffer.count` bytes, and says how many.
          count = retryingInterrupts { unsafe read(file.number, buffer.baseAddress, buffer.count) }
          initialized = max(0, count)
        })
      guard count >= 0 else { throw SystemError("read \(path)") }
      if count == 0 { return contents }
    }
  }

  /// The absolute path without links, `.` and `..`; nil when nothing is there or the way is barred.
  public static func canonicalPath(of path: String) -> String? {
    // SAFETY: realpath allocates what it returns, and it is freed once it is copied.
    guard let canonical = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(canonical) }
    return unsafe String(cString: canonical)
  }

  /// What a file or folder is, whatever its name: another one in its place is another.
  public struct Identity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
  }

  /// Nil when nothing is there.
  public static func identity(of path: String) -> Identity? {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    // SAFETY: the path is a C string during the call, which fills the two numbers.
    guard unsafe cl_file_identity(path, &device, &inode) == 0 else { return nil }
    return Identity(device: device, inode: inode)
  }

  /// Throws when this process can't read the file, or when it is a directory.
  public static func requireReadable(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string for the length of the call.
    let file = try Descriptor(unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), of: "open \(path)")
    guard cl_is_directory(file.number) == 0 else { throw SystemError("open \(path)", code: EISDIR) }
  }

  /// Throws when this process can't run the file.
  public static func requireExecutable(_ path: String) throws(SystemError) {
    try requireReadable(path)
    // SAFETY: the path is a C string for the length of the call.
    guard unsafe access(path, X_OK) == 0 else { throw SystemError("access \(path)") }
  }

  /// Throws when this process can't put another file in the place of this one, which need not be there yet.
  public static func requireReplaceable(_ path: String) throws(SystemError) {
    // SAFETY: each path is a C string for the length of its call.
    guard unsafe access(directory(of: path), W_OK | X_OK) == 0 else { throw SystemError("open \(path)") }
    guard unsafe access(path, F_OK) != 0 else { return try requireReadable(path) }
  }

  /// Throws when this process can't append to the file, which need not be there yet. Makes nothing.
  public static func requireAppendable(_ path: String) throws(SystemError) {
    // SAFETY: each path is a C string for the length of its call.
    if unsafe access(path, F_OK) == 0 {
      _ = try Descriptor(unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK), of: "open \(path)")
    } else {
      guard unsafe access(directory(of: path), W_OK | X_OK) == 0 else { throw SystemError("open \(path)") }
    }
  }
}
