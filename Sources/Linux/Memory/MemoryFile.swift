import CLinux
import Glibc

/// Anonymous files in memory, passed between processes as descriptors.
public enum MemoryFile {
  /// The longest content that is read: far more than any configuration needs.
  public static let limit = 16 * 1024 * 1024

  /// A file with these contents that can no longer be changed.
  public static func sealed(_ name: String, contents: Span<UInt8>) throws(SystemError) -> Descriptor {
    let file = try create(name)
    try File.write(contents, to: file)
    guard cl_seal(file.number, 1) == 0 else { throw SystemError("fcntl F_ADD_SEALS") }
    return file
  }

  /// A file of `count` zero bytes with a fixed size and changeable contents.
  public static func shared(_ name: String, count: Int) throws(SystemError) -> Descriptor {
    let file = try create(name)
    guard ftruncate(file.number, off_t(count)) == 0 else { throw SystemError("ftruncate \(name)") }
    guard cl_seal(file.number, 0) == 0 else { throw SystemError("fcntl F_ADD_SEALS") }
    return file
  }

  /// An empty file that other processes write to.
  static func writable(_ name: String) throws(SystemError) -> Descriptor { try create(name) }

  /// Reads a file that `sealed` made, in any process. EPERM when it could still change.
  public static func contents(of file: borrowing Descriptor) throws(SystemError) -> [UInt8] {
    guard cl_sealed(file.number) == 2 else { throw SystemError("fcntl F_GET_SEALS", code: EPERM) }
    guard let size = FileStatus(of: file)?.size else { throw SystemError("fstat") }
    guard size <= limit else { throw SystemError("read", code: EFBIG) }
    var position = 0
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while position < size, !failed {
        // SAFETY: at most size - position bytes are read to `position`, inside the buffer.
        let count = retryingInterrupts {
          unsafe pread(file.number, buffer.baseAddress.map { unsafe $0 + position }, size - position, off_t(position))
        }
        if count > 0 { position += count } else { failed = true }
      }
      initialized = position
    }
    guard !failed else { throw SystemError("pread") }
    return bytes
  }

  private static func create(_ name: String) throws(SystemError) -> Descriptor {
    // SAFETY: the kernel copies the name.
    try Descriptor(unsafe name.withCString { unsafe cl_memory_file($0) }, of: "memfd_create \(name)")
  }
}
