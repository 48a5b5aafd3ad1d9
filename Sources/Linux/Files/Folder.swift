import Glibc

extension File {
  /// The names in a folder without `.` and `..`, at most `limit`, in no order; empty when it can't be read.
  public static func names(in folder: String, limit: Int = 65_536) -> [String] {
    // SAFETY: the stream is closed below and used by this thread only; each entry is copied before the next call.
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { _ = unsafe closedir(stream) }
    var names: [String] = []
    while names.count < limit, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Where a symbolic link leads, as it is written there; nil when there is none.
  public static func linkTarget(of path: String) -> String? {
    // SAFETY: the buffer has room for the bytes that the call writes, and a null after them, which it does not write.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress, unsafe readlink(path, start, Int(PATH_MAX)) > 0 else { return nil }
      return unsafe String(cString: start)
    }
  }

  /// A small file's text, such as one of /proc; nil when it can't be read.
  public static func text(of path: String, limit: Int = 1 << 20) -> String? {
    (try? contents(of: path, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
  }
}
