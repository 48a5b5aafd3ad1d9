import Linux
import Wire

/// A program of the operator: a hook, a check script, sendmail.
struct Program: Hashable {
  var path: String
  /// Without argument 0.
  var arguments: [String] = []
  /// Its standard input.
  var input: [UInt8] = []
  /// It is killed after this time.
  var timeout: Interval
}

/// Runs programs in the background. Programs of one queue run one after the other, so that hooks see changes in order.
struct ProgramRunner: ~Copyable {
  struct Queue: Hashable {
    var router: Int
    /// Nil for hooks and mail of a virtual router; the track's index for a script.
    var track: Int?
  }

  /// How a program ended.
  enum Outcome: Hashable {
    case ended(ProcessEnd)
    case tookTooLong
    case notStarted(SystemError)

    var isSuccess: Bool { self == .ended(.exited(status: 0)) }
  }

  /// The most queued programs; more are dropped.
  private static let queueLimit = 32
  /// Environment variables for the supervisor only.
  private static let withheld: Set<String> = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
  ]

  private final class Running {
    let program: Program
    let deadline: Instant
    var child: ChildProcess
    var isKilled = false

    init(_ program: Program, child: consuming ChildProcess, deadline: Instant) {
      self.program = program
      self.child = child
      self.deadline = deadline
    }
  }

  private var running: [Queue: Running] = [:]
  private var waiting: [Queue: [Program]] = [:]
  private var failed: [(Queue, Program, Outcome)] = []

  /// Whether no hook is running, queued or left for `collect` to return.
  var areHooksDone: Bool {
    !running.keys.contains { $0.track == nil } && !waiting.keys.contains { $0.track == nil }
      && !failed.contains { $0.0.track == nil }
  }

  /// When `collect` is due although no program has ended.
  var deadline: Instant? {
    failed.isEmpty ? running.values.filter { !$0.isKilled }.map(\.deadline).min() : Instant(nanoseconds: 0)
  }

  /// Runs a program after those of its queue. False when the queue is full.
  mutating func run(_ program: Program, in queue: Queue, _ poller: borrowing Poller, at now: Instant) -> Bool {
    guard running[queue] != nil || waiting[queue] != nil else {
      start(program, queue, poller, at: now)
      return true
    }
    guard waiting[queue, default: []].count < Self.queueLimit else { return false }
    waiting[queue, default: []].append(program)
    return true
  }

  /// Returns the programs that have ended, kills those past their timeout, and starts the next of each queue.
  mutating func collect(_ poller: borrowing Poller, at now: Instant) -> [(Queue, Program, Outcome)] {
    var ended = failed
    failed = []
    for (queue, process) in running {
      if let end = process.child.reap() {
        running[queue] = nil
        ended.append((queue, process.program, process.isKilled ? .tookTooLong : .ended(end)))
      } else if now >= process.deadline, !process.isKilled {
        process.isKilled = true
        process.child.signal(9)
      }
    }
    for (queue, programs) in waiting where running[queue] == nil {
      waiting[queue] = programs.count > 1 ? Array(programs.dropFirst()) : nil
      start(programs[0], queue, poller, at: now)
    }
    return ended
  }

  private mutating func start(_ program: Program, _ queue: Queue, _ poller: borrowing Poller, at now: Instant) {
    do throws(SystemError) {
      let input = try program.input.isEmpty ? nil : MemoryFile.sealed("input", contents: program.input.span)
      let child = try ChildProcess(
        program: program.path, arguments: [program.path] + program.arguments,
        environment: CurrentProcess.environment(removing: Self.withheld), input: input)
      try poller.watchLevel(child.handle, token: SupervisorToken(.programs).rawValue)
      running[queue] = Running(program, child: child, deadline: now + program.timeout)
    } catch {
      failed.append((queue, program, .notStarted(error)))
    }
  }
}
