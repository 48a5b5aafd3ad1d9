import CLinux
import Glibc
import Wire

/// A program that was run to its end, for its output.
public struct CapturedProgram: Sendable {
  public let end: ProcessEnd
  /// Standard output and standard error, as they were written.
  public let output: String

  /// The longest output that is kept.
  private static let limit = 4 << 20

  /// What it gets: the texts of programs are read in English, and nothing else of this process's concerns it.
  private static var environment: [String] {
    let path = CurrentProcess.environmentValue("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return ["PATH=\(path)", "LC_ALL=C"]
  }

  /// Runs the program without input and waits; after `timeout` it is killed. For commands, not for a loop's thread.
  public init(_ program: String, _ arguments: [String], timeout: Interval) throws(SystemError) {
    let file = try MemoryFile.writable("output")
    let number = file.number
    var child = try unsafe ChildProcess(
      executable: program, arguments: [program] + arguments, environment: Self.environment,
      leads: .session
    ) { actions in
      // SAFETY: the actions are initialised, and each call copies its arguments.
      unsafe posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
      unsafe posix_spawn_file_actions_adddup2(actions, number, 1)
      unsafe posix_spawn_file_actions_adddup2(actions, number, 2)
      return unsafe cl_close_from(actions, 3)
    }
    let poller = try Poller()
    try poller.watchLevel(child.handle)
    let deadline = Clock.monotonic() + timeout
    while true {
      if let end = child.reap() {
        self.end = end
        break
      }
      guard Clock.monotonic() < deadline else {
        child.signal(SIGKILL)
        throw SystemError("run \(program)", code: ETIMEDOUT)
      }
      _ = poller.wait(deadline - Clock.monotonic())
    }
    let path = "/proc/self/fd/\(number)"
    output = String(decoding: try File.contents(of: path, limit: Self.limit), as: UTF8.self)
  }
}
