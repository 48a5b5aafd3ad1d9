import CLinux
import Glibc
import Wire

extension File {
  /// Opens a log file for appending; created when missing. A pipe that nothing reads is ENXIO.
  public static func appending(to path: String) throws(SystemError) -> Descriptor {
    // SAFETY: the path is a C string for the length of the call.
    let number = retryingInterrupts { unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640) }
    return try Descriptor(number, of: "open \(path)")
  }

  /// Creates a file with mode 0600 for a secret, and opens it for writing. Nothing may exist there, not even a symbolic
  /// link: EEXIST. Where users other than this one and root may put files, it is refused with EPERM.
  public static func creatingSecret(at path: String) throws(SystemError) -> Descriptor {
    guard isFolderProtected(directory(of: path)) else { throw SystemError("open \(path)", code: EPERM) }
    // SAFETY: the path is a C string for the length of the call.
    let number = retryingInterrupts {
      unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    return try Descriptor(number, of: "open \(path)")
  }

  /// Replaces the file atomically: readers see either all of the old or all of the new contents, also after a crash.
  /// Mode 0600 unless other permissions are given. Waits for the disk.
  public static func replace(
    _ path: String, with bytes: Span<UInt8>, _ permissions: Permissions? = nil
  ) throws(SystemError) {
    let draft = path + ".new"
    // SAFETY: both paths are C strings during the calls.
    _ = unsafe unlink(draft)
    do throws(SystemError) {
      // Nothing may exist there, not even a symbolic link.
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
      let number = retryingInterrupts { unsafe open(draft, flags, 0o600) }
      let file = try Descriptor(number, of: "open \(draft)")
      try write(bytes, to: file)
      try permissions?.apply(to: file, path)
      guard retryingInterrupts({ fdatasync(file.number) }) == 0 else { throw SystemError("write \(draft)") }
      guard unsafe rename(draft, path) == 0 else { throw SystemError("rename \(draft)") }
    } catch {
      _ = unsafe unlink(draft)
      throw error
    }
  }

  /// Removes the file, if it exists.
  public static func remove(_ path: String) {
    // SAFETY: the path is a C string during the call.
    _ = unsafe unlink(path)
  }

  /// A duplicate of standard output.
  public static func standardOutput() throws(SystemError) -> Descriptor {
    try Descriptor(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0), of: "standard output")
  }

  /// Writes all bytes; may block.
  public static func write(_ bytes: Span<UInt8>, to file: borrowing Descriptor) throws(SystemError) {
    var written = 0
    try write(bytes, to: file, written: &written)
  }

  /// Writes all bytes from `written` on; may block. On an error `written` is the number written.
  public static func write(
    _ bytes: Span<UInt8>, to file: borrowing Descriptor, written: inout Int
  ) throws(SystemError) {
    while written < bytes.count {
      let rest = bytes.extracting(written..<bytes.count)
      // SAFETY: the kernel reads `count` bytes of the span during the call only.
      let count = unsafe rest.withUnsafeBufferPointer { buffer in
        retryingInterrupts { unsafe CLinux.write(file.number, buffer.baseAddress, buffer.count) }
      }
      if count < 0 {
        guard cl_errno() == EAGAIN else { throw SystemError("write") }
        var poll = pollfd(fd: file.number, events: Int16(POLLOUT), revents: 0)
        // SAFETY: one element, alive during the call.
        _ = retryingInterrupts { unsafe CLinux.poll(&poll, 1, -1) }
      }
      written += max(0, count)
    }
  }
}
