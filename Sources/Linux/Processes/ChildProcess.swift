import CLinux
import Glibc

/// How a process ended.
public enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
  case exited(status: Int32)
  case killed(signal: Int32)

  /// For example `exit status 1`, `killed by SIGSEGV (Segmentation fault)`.
  public var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .killed(let signal): "killed by \(Signals.words(for: signal))"
    }
  }
}

/// A child process: another role of this binary, or a program. Killed and reaped in `deinit`.
public struct ChildProcess: ~Copyable {
  /// The descriptor number of the control socket in a child.
  public static let controlNumber: Int32 = 3

  /// The inherited control socket; nil when this process was not started as a child of this program. Call it once.
  public static func controlSocket() -> Descriptor? {
    guard cl_is_message_socket(controlNumber) == 1 else { return nil }
    let socket = Descriptor(owning: controlNumber)
    _ = fcntl(controlNumber, F_SETFD, FD_CLOEXEC)
    return socket
  }

  /// What is new for a child, and shared with its children.
  enum Leadership {
    case nothing
    /// A process group, which is killed as a whole.
    case group
    /// A session, and with it a group: without the terminal of this process.
    case session
  }

  public let identifier: pid_t
  /// A pidfd: readable once the process has ended.
  public let handle: Descriptor
  /// Whether it has its own process group, shared with its children.
  private let leadsGroup: Bool
  /// How it ended, set by `reap`.
  public private(set) var end: ProcessEnd?

  /// Starts `executable` with a control socket at descriptor 3, standard output and error, and standard input from
  /// /dev/null; every other descriptor is closed. `blocked` signals are blocked in the child, all others have their
  /// defaults.
  public init(
    executable: String, arguments: [String], environment: [String], control: borrowing Descriptor, blocked: [Int32]
  ) throws(SystemError) {
    try unsafe self.init(executable: executable, arguments: arguments, environment: environment, blocked: blocked) {
      actions in
      // SAFETY: the actions are initialised, and each call copies its arguments.
      unsafe posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0)
      unsafe posix_spawn_file_actions_adddup2(actions, control.number, Self.controlNumber)
      return unsafe cl_close_from(actions, Self.controlNumber + 1)
    }
  }

  /// Starts `executable` with the descriptors that `arrange` sets up; it returns 0 or an errno value.
  init(
    executable: String, arguments: [String], environment: [String], blocked: [Int32] = [], leads: Leadership = .nothing,
    arrange: (UnsafeMutablePointer<posix_spawn_file_actions_t>) -> Int32
  ) throws(SystemError) {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // SAFETY: both are initialised before any use, and destroyed once, below; the calls copy their arguments.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    var code = unsafe arrange(&actions)
    guard code == 0 else { throw SystemError("posix_spawn_file_actions_addclosefrom_np", code: code) }

    var mask = SignalSet(blocked)
    var defaults = SignalSet.all
    unsafe posix_spawnattr_setsigmask(&attributes, &mask.bits)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults.bits)
    // The default process group is a new one.
    let group =
      switch leads {
      case .nothing: Int32(0)
      case .group: Int32(POSIX_SPAWN_SETPGROUP)
      case .session: Int32(POSIX_SPAWN_SETSID)
      }
    unsafe posix_spawnattr_setflags(&attributes, Int16(Int32(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | group))

    let argumentVector = CStrings(arguments)
    let environmentVector = CStrings(environment)
    var identifier: pid_t = 0
    // SAFETY: both vectors end in null and live until after the call; the call returns when the child has its own copy.
    code = unsafe posix_spawn(
      &identifier, executable, &actions, &attributes, argumentVector.pointers, environmentVector.pointers)
    guard code == 0 else { throw SystemError("posix_spawn \(executable)", code: code) }
    let handle = cl_pidfd_open(identifier)
    guard handle >= 0 else {
      let error = SystemError("pidfd_open")
      _ = Glibc.kill(identifier, SIGKILL)
      _ = waitpid(identifier, nil, 0)
      throw error
    }
    self.identifier = identifier
    leadsGroup = leads != .nothing
    self.handle = Descriptor(owning: handle)
    end = nil
  }

  deinit {
    guard end == nil else { return }
    signal(SIGKILL)
    var code: Int32 = 0
    var status: Int32 = 0
    // SAFETY: the call writes the two numbers, which live through it.
    _ = retryingInterrupts { unsafe cl_reap(handle.number, 1, &code, &status) }
  }

  /// Sends a signal, to the whole group if it leads one. Does nothing once the process was reaped, since its PID may be
  /// reused.
  public func signal(_ signal: Int32) {
    guard end == nil else { return }
    _ = Glibc.kill(leadsGroup ? -identifier : identifier, signal)
  }

  /// How the process ended; nil while it runs. Never blocks.
  public mutating func reap() -> ProcessEnd? {
    if let end { return end }
    var code: Int32 = 0
    var status: Int32 = 0
    // SAFETY: the call writes the two numbers, which live through it.
    guard retryingInterrupts({ unsafe cl_reap(handle.number, 0, &code, &status) }) == 1 else { return nil }
    let end = code == CLD_EXITED ? ProcessEnd.exited(status: status) : .killed(signal: status)
    self.end = end
    return end
  }
}

/// A null-terminated vector of C strings, for exec.
@safe
private struct CStrings: ~Copyable {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    unsafe pointers = .allocate(capacity: count + 1)
    // SAFETY: count + 1 slots are initialised, the last with null.
    for (index, string) in strings.enumerated() { unsafe (pointers + index).initialize(to: strdup(string)) }
    unsafe (pointers + count).initialize(to: nil)
  }

  deinit {
    // SAFETY: each string is from strdup or null, the vector from `init`, and this value owns both.
    for index in 0..<count { unsafe free(pointers[index]) }
    unsafe pointers.deallocate()
  }
}
