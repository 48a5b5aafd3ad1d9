import CLinux
import Glibc

/// Properties of this process.
public enum CurrentProcess {
  /// The running binary, also after it was replaced on disk.
  public static let executable = "/proc/self/exe"

  /// That binary's path, for display; nil when it can't be read.
  public static var executablePath: String? {
    // SAFETY: the buffer has room for PATH_MAX bytes and a null, which is kept at its end: readlink adds none.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress, unsafe readlink(executable, start, Int(PATH_MAX)) > 0 else { return nil }
      return unsafe String(cString: start)
    }
  }

  public static var identifier: pid_t { getpid() }

  /// Whether it has root's rights.
  public static var isRoot: Bool { geteuid() == 0 }

  /// Makes the kernel kill this process when its parent dies. A parent that died earlier is not detected.
  public static func dieWithParent() { _ = cl_die_with_parent(SIGKILL) }

  /// Makes the kernel kill this process before its parent when memory runs out: the parent starts another, and holds
  /// the address. Raises the OOM score as if the process used another tenth of the machine's memory. Best effort.
  /// Call it before `hideMemory`, which makes the file root's.
  public static func raiseOOMScore() {
    let path = "/proc/self/oom_score_adj"
    guard let text = try? File.contents(of: path, limit: 16),
      let score = Int(String(decoding: text, as: UTF8.self).prefix { !$0.isNewline }),
      // SAFETY: the path is a C string during the call.
      let file = try? Descriptor(unsafe open(path, O_WRONLY | O_CLOEXEC), of: "open \(path)")
    else { return }
    try? File.write(Array("\(min(score + 100, 1000))".utf8).span, to: file)
  }

  /// The scheduling priority of a process with deadlines.
  public enum Scheduling: Hashable, Sendable {
    /// Ahead of all processes without realtime scheduling (SCHED_RR).
    case realtime
    /// Ahead of most processes (a nice value of -10).
    case sooner
    /// The default priority.
    case usual
  }

  /// Raises this thread's priority as far as allowed (CAP_SYS_NICE), unless systemd has done so before it started
  /// (CPUSchedulingPolicy=, Nice=), and returns the result. Children do not inherit it.
  public static func raisePriority() -> Scheduling {
    if cl_is_realtime() != 0 || cl_schedule_realtime() == 0 { return .realtime }
    return cl_nice() <= sooner || cl_schedule_sooner(sooner) == 0 ? .sooner : .usual
  }

  private static let sooner: Int32 = -10

  /// Raises the soft limit of open files to the hard limit, and returns it.
  public static func raiseOpenFileLimit() throws(SystemError) -> UInt64 {
    guard var limit = openFiles else { throw SystemError("getrlimit RLIMIT_NOFILE") }
    limit.rlim_cur = limit.rlim_max
    // SAFETY: the kernel reads the structure during the call.
    guard unsafe setrlimit(RLIMIT_NOFILE, &limit) == 0 else { throw SystemError("setrlimit RLIMIT_NOFILE") }
    return UInt64(limit.rlim_max)
  }

  /// The limit of open files; the maximum value when it can't be read.
  public static var openFileLimit: UInt64 { openFiles.map { UInt64($0.rlim_cur) } ?? .max }

  /// The hard limit of open files.
  public static var openFileMaximum: UInt64 { openFiles.map { UInt64($0.rlim_max) } ?? .max }

  private static var openFiles: rlimit? {
    var limit = rlimit()
    // SAFETY: the kernel fills the structure, which lives through the call.
    return unsafe getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit : nil
  }

  /// Enlarges the kernel's descriptor table to `count` entries of 8 bytes; it never shrinks. Call it while the process
  /// has one thread: with more, the kernel waits for all processors at every doubling (synchronize_rcu in
  /// expand_fdtable), 10 to 100 ms each, during which no thread gets a descriptor. Best effort.
  public static func makeRoomForDescriptors(_ count: UInt64) {
    guard count > 0 else { return }
    _ = cl_make_room_for_descriptors(Int32(clamping: count))
  }

  /// Sets the calling thread's name; at most 15 bytes.
  public static func nameThread(_ name: String) {
    // SAFETY: the kernel copies the name.
    unsafe name.withCString { unsafe _ = cl_set_thread_name($0) }
  }

  /// The number of processors that this process may run on.
  public static var processors: Int { max(1, Int(cl_processors())) }

  /// The kernel's host name.
  public static func hostName() -> String {
    // SAFETY: HOST_NAME_MAX is 64; the buffer has room for that and a null, which is kept at its end.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65) { buffer in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress, unsafe gethostname(start, 64) == 0 else { return "" }
      return unsafe String(cString: start)
    }
  }

  /// The environment as `NAME=value` lines, without the variables in `removing`.
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

  /// Whether the terminal takes UTF-8, by the first of locale(7)'s variables that says so.
  public static var hasUnicode: Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environmentValue).first { !$0.isEmpty } ?? ""
    return locale.lowercased().replacing("-", with: "").hasSuffix("utf8")
  }

  /// The directory of systemd's credentials for this service; nil when there is none.
  public static var credentials: String? { environmentValue("CREDENTIALS_DIRECTORY") }
}
