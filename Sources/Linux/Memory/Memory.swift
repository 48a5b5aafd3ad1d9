import CLinux

/// The process's memory.
public enum Memory {
  /// Gives whole pages that the allocator holds free back to the system. Looks through all that is free, with each arena
  /// locked for as long as its own takes.
  public static func giveBack() { _ = malloc_trim(0) }

  /// Bytes in a page.
  static let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
}
