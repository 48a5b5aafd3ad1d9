import CLinux

/// Dropping of privileges. Nothing here can be undone.
public enum Privileges {
  /// Capabilities that this program uses (capabilities(7)).
  public enum Capability: UInt64, Sendable {
    case bindService = 10
    case networkAdministration = 12
    case rawSockets = 13
    /// Realtime scheduling and negative nice values.
    case scheduling = 23
  }

  /// Keeps at most these capabilities, and none for child processes.
  public static func keep(_ capabilities: Set<Capability>) throws(SystemError) {
    let bits = capabilities.reduce(UInt64(0)) { $0 | 1 << $1.rawValue }
    guard cl_keep_capabilities(bits) == 0 else { throw SystemError("capset") }
  }

  /// Executed files can't gain privileges through their mode or file capabilities.
  public static func forbidNew() throws(SystemError) {
    guard cl_forbid_new_privileges() == 0 else { throw SystemError("prctl PR_SET_NO_NEW_PRIVS") }
  }

  /// Protects keys in memory: the kernel writes no core dump, and other processes of this user can't debug this process
  /// or read its memory.
  public static func hideMemory() throws(SystemError) {
    guard cl_hide_memory() == 0 else { throw SystemError("prctl PR_SET_DUMPABLE") }
  }
}
