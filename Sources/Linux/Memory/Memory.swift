import CLinux

/// The process's memory.
public enum Memory {
  /// Returns free pages of the allocator to the system. Scans all free memory, with one arena locked at a time.
  public static func giveBack() { _ = malloc_trim(0) }

  /// The page size in bytes.
  static let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
}
