import CLinux
import Glibc

/// A directory in memory that only this user can enter, with files for another process. It is removed with its files in
/// `deinit`.
public struct PrivateFolder: ~Copyable {
  public let path: String
  private var files: [String] = []

  /// Creates it in /dev/shm, which is not stored on disk, or else in /tmp.
  public init() throws(SystemError) {
    for place in ["/dev/shm", "/tmp"] {
      var template = Array("\(place)/belvedere-XXXXXX".utf8CString)
      let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
        // SAFETY: the template ends in null; its last six characters before that are replaced in place.
        unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
      }
      guard isMade else { continue }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return
    }
    throw SystemError("mkdtemp")
  }

  deinit {
    // SAFETY: the paths are C strings during the calls.
    for file in files { _ = unsafe unlink(file) }
    _ = unsafe rmdir(path)
  }

  /// Writes a file with mode 0600 and returns its path.
  public mutating func put(_ name: String, contents: Span<UInt8>) throws(SystemError) -> String {
    let file = path + "/" + name
    try File.replace(file, with: contents)
    files.append(file)
    return file
  }
}
