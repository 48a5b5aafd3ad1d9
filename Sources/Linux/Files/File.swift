import CLinux
import Glibc

/// Operations on files by path.
public enum File {
  /// The whole file. More than `limit` bytes is EFBIG. Waits for data from a pipe only with `mayWait`.
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
          // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many.
          count = retryingInterrupts { unsafe read(file.number, buffer.baseAddress, buffer.count) }
          initialized = max(0, count)
        })
      guard count >= 0 else { throw SystemError("read \(path)") }
      if count == 0 { return contents }
    }
  }

  /// The absolute path without symbolic links, `.` and `..`; nil when it does not exist or is not accessible.
  public static func canonicalPath(of path: String) -> String? {
    // SAFETY: realpath allocates its result, which is freed after it is copied.
    guard let canonical = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(canonical) }
    return unsafe String(cString: canonical)
  }

  /// The paths that a shell's pattern matches, with braces as in csh, sorted; empty when there are none.
  public static func paths(matching pattern: String) -> [String] {
    var found = unsafe glob_t()
    // SAFETY: glob makes `gl_pathc` C strings, which are copied before globfree releases them.
    defer { unsafe globfree(&found) }
    guard unsafe glob(pattern, GLOB_BRACE, nil, &found) == 0, let paths = unsafe found.gl_pathv else { return [] }
    return (0..<Int(unsafe found.gl_pathc)).compactMap { unsafe paths[$0].map { unsafe String(cString: $0) } }
  }

  /// The identity of a file or directory, independent of its name: a replacement has another.
  public struct Identity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
  }

  /// Nil when it does not exist.
  public static func identity(of path: String) -> Identity? { FileStatus(of: path)?.identity }

  /// Whether it is a regular file, or a symbolic link to one; false if it does not exist.
  public static func isRegular(_ path: String) -> Bool { FileStatus(of: path)?.isRegular == true }

  /// Throws when this process can't read the file, or it is a directory.
  public static func requireReadable(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string for the length of the call.
    let file = try Descriptor(unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), of: "open \(path)")
    guard FileStatus(of: file)?.isDirectory != true else { throw SystemError("open \(path)", code: EISDIR) }
  }

  /// Throws when this process can't execute the file.
  public static func requireExecutable(_ path: String) throws(SystemError) {
    try requireReadable(path)
    // SAFETY: the path is a C string for the length of the call.
    guard unsafe access(path, X_OK) == 0 else { throw SystemError("access \(path)") }
  }

  /// Throws when this process can't replace this file, which need not exist.
  public static func requireReplaceable(_ path: String) throws(SystemError) {
    // SAFETY: each path is a C string for the length of its call.
    guard unsafe access(directory(of: path), W_OK | X_OK) == 0 else { throw SystemError("open \(path)") }
    guard unsafe access(path, F_OK) != 0 else { return try requireReadable(path) }
  }

  /// Throws when this process can't append to the file, which need not exist. Creates nothing.
  public static func requireAppendable(_ path: String) throws(SystemError) {
    // SAFETY: each path is a C string for the length of its call.
    if unsafe access(path, F_OK) == 0 {
      _ = try Descriptor(unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK), of: "open \(path)")
    } else {
      guard unsafe access(directory(of: path), W_OK | X_OK) == 0 else { throw SystemError("open \(path)") }
    }
  }
}
