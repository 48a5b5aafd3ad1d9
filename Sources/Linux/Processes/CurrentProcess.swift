import CLinux
import Glibc

/// What this process asks of the system for itself.
public enum CurrentProcess {
  /// The binary that this process runs, also after it was replaced on disk.
  public static let executable = "/proc/self/exe"

  /// Where that binary is, for people; nil when the system does not tell.
  public static var executablePath: String? {
    // SAFETY: the buffer has room for PATH_MAX bytes and a null, which is kept at its end: readlink adds none.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress, unsafe readlink(executable, start, Int(PATH_MAX)) > 0 else { return nil }
      return unsafe String(cString: start)
    }
  }

  public static var identifier: pid_t { getpid() }

  /// Asks the kernel to kill this process when its parent dies. A parent that died before is not noticed.
  public static func dieWithParent() { _ = cl_die_with_parent(SIGKILL) }

  /// Has the kernel take this process before its parent when memory runs out: the parent starts another, and nobody
  /// else holds the address. A tenth of the machine's memory counts as much. Best effort; nothing is owed to it.
  public static func volunteerForMemory() { _ = cl_raise_oom_score(100) }

  /// How a process with deadlines stands against others that want the processor.
  public enum Scheduling: Hashable, Sendable {
    /// In front of everything that is not realtime itself (SCHED_RR).
    case realtime
    /// In front of most (a nice value of -10).
    case sooner
    /// As everybody.
    case usual
  }

  /// Puts this thread in front of others as far as it is allowed (CAP_SYS_NICE), unless systemd has done so before it
  /// started (CPUSchedulingPolicy=, Nice=), and says how far that is. Children do not inherit it.
  public static func schedulePromptly() -> Scheduling {
    if cl_is_realtime() != 0 || cl_schedule_realtime() == 0 { return .realtime }
    return cl_nice() <= sooner || cl_schedule_sooner(sooner) == 0 ? .sooner : .usual
  }

  private static let sooner: Int32 = -10

  /// Raises the number of files that may be open to the most that is allowed, and returns it.
  public static func raiseOpenFileLimit() throws(SystemError) -> UInt64 {
    guard var limit = openFiles else { throw SystemError("getrlimit RLIMIT_NOFILE") }
    limit.rlim_cur = limit.rlim_max
    // SAFETY: the kernel reads the structure during the call.
    guard unsafe setrlimit(RLIMIT_NOFILE, &limit) == 0 else { throw SystemError("setrlimit RLIMIT_NOFILE") }
    return UInt64(limit.rlim_max)
  }

  /// The number of files that may be open; the most there can be when the system does not tell.
  public static var openFileLimit: UInt64 { openFiles.map { UInt64($0.rlim_cur) } ?? .max }

  /// The same, after it has been raised to the most that is allowed.
  public static var openFileMaximum: UInt64 { openFiles.map { UInt64($0.rlim_max) } ?? .max }

  private static var openFiles: rlimit? {
    var limit = rlimit()
    // SAFETY: the kernel fills the structure, which lives through the call.
    return unsafe getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit : nil
  }

  /// Makes the kernel's table of descriptors as large as `count` of them take (8 bytes each), which it never becomes
  /// smaller again. To be called while the process has one thread: with more, the kernel waits for all processors at every
  /// doubling (synchronize_rcu in expand_fdtable), 10 to 100 ms each in which no thread gets a descriptor. Best effort.
  public static func makeRoomForDescriptors(_ count: UInt64) {
    guard count > 0 else { return }
    _ = cl_make_room_for_descriptors(Int32(clamping: count))
  }

  /// Names the calling thread in the system's lists; 15 bytes at most.
  public static func nameThread(_ name: String) {
    // SAFETY: the kernel copies the name.
    unsafe name.withCString { unsafe _ = cl_set_thread_name($0) }
  }

  /// The processors that this process may run on.
  public static var processors: Int { max(1, Int(cl_processors())) }

  /// The machine's name, as the kernel has it.
  public static func hostName() -> String {
    // SAFETY: HOST_NAME_MAX is 64; the buffer has room for that and a null, which is kept at its end.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress, unsafe gethostname(start, 64) == 0 else { return "" }
      return unsafe String(cString: start)
    }
  }

  /// `NAME=value` lines of the environment, without those that `removing` names.
  public static func environment(removing names: Set<String> = []) -> [String] {
    var lines: [String] = []
    // SAFETY: the environment ends in null, and no thread changes it: nothing here calls setenv.
    guard var next = unsafe cl_environment() else { return lines }
    while let line = unsafe next.pointee {
      let text = unsafe String(cString: line)
      if !names.contains(String(text.prefix { $0 != "=" })) { lines.append(text) }
      unsafe next += 1
    }
    return lines
  }

  /// The value of an environment variable.
  public static func environmentValue(_ name: String) -> String? {
    // SAFETY: the string is copied at once, and nothing here calls setenv.
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// Where systemd has put this service's credentials; nil when it has none.
  public static var credentials: String? { environmentValue("CREDENTIALS_DIRECTORY") }
}
