import CLinux

/// What a process may do beyond its user, and how it gives that up. Nothing here can be taken back.
public enum Privileges {
  /// Capabilities that a role of ours may have (capabilities(7)).
  public enum Capability: UInt64, Sendable {
    case bindService = 10
    case networkAdministration = 12
    case rawSockets = 13
    /// Be scheduled in front of others.
    case scheduling = 23
  }

  /// Keeps at most these, and hands none on to what this process starts.
  public static func keep(_ capabilities: Set<Capability>) throws(SystemError) {
    let bits = capabilities.reduce(UInt64(0)) { $0 | 1 << $1.rawValue }
    guard cl_keep_capabilities(bits) == 0 else { throw SystemError("capset") }
  }

  /// Nothing that this process executes ever gains a right by its file's mode or capabilities.
  public static func forbidNew() throws(SystemError) {
    guard cl_forbid_new_privileges() == 0 else { throw SystemError("prctl PR_SET_NO_NEW_PRIVS") }
  }

  /// Keys stay in this process: the kernel writes no core dump of it, and lets no other process of this user debug it or
  /// read its memory.
  public static func hideMemory() throws(SystemError) {
    guard cl_hide_memory() == 0 else { throw SystemError("prctl PR_SET_DUMPABLE") }
  }
}
