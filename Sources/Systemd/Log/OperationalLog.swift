import CSystemd
import Domain
import Glibc
import Linux
import Logging
import Synchronization
import Wire

/// The target of both roles' operational log, chosen at a process's start.
package enum OperationalLog {
  /// Configures all loggers created after this call. Must be called once per process.
  package static func bootstrap(target: LogTarget, level: LogLevel, facility: LogFacility) {
    setLevel(level)
    setFacility(facility)
    let toJournal =
      switch target {
      case .automatic: isJournalStream && hasJournalSocket
      case .standardError: false
      case .journal: hasJournalSocket
      }
    // Without a thread, messages are written by the calling thread.
    let queue = try? LogQueue()
    shared.withLock { $0 = queue }
    let form = toJournal ? OperationalLogHandler.Form.entry : isJournalStream ? .prefixedLine : .line
    LoggingSystem.bootstrap { OperationalLogHandler(label: $0, form, queue: queue) }
    if target == .journal, !toJournal {
      Logger(label: "belvedere").warning("there is no journal on this machine: logging to standard error")
    }
  }

  /// The minimum level of logged messages.
  package static var level: Logger.Level {
    Logger.Level.allCases[Int(levelIndex.load(ordering: .relaxed))]
  }

  /// Changes the level of every logger.
  package static func setLevel(_ level: LogLevel) {
    levelIndex.store(UInt8(Logger.Level.allCases.firstIndex(of: .init(level)) ?? 0), ordering: .relaxed)
  }

  private static let levelIndex = Atomic<UInt8>(0)

  /// The syslog facility code of journal entries.
  static var facility: UInt8 { facilityCode.load(ordering: .relaxed) }

  /// Changes the facility of subsequent messages.
  package static func setFacility(_ facility: LogFacility) { facilityCode.store(facility.code, ordering: .relaxed) }

  /// The default facility is daemon.
  private static let facilityCode = Atomic<UInt8>(LogFacility.daemon.code)

  /// The latest warnings and errors that were logged, or added with `add`; the latest last.
  package static var problems: [Problem] { list.withLock { $0.entries } }

  /// Returns and clears them.
  package static func takeProblems() -> [Problem] { list.withLock { $0.takeAll() } }

  /// Adds a problem from another process.
  package static func add(_ problem: Problem) { list.withLock { $0.add(problem) } }

  private static let list = Mutex(ProblemList())

  /// Records warnings and errors.
  static func noteProblem(_ event: LogEvent, _ metadata: Logger.Metadata) {
    guard event.level >= .warning else { return }
    let detail = metadata["detail"].map { ": \($0)" } ?? ""
    add(Problem(time: Clock.wall(), count: 1, text: "\(event.message)\(detail)"))
  }

  /// Waits until everything is written, at most for a second: the last call before a process exits.
  package static func flush() { shared.withLock { $0 }?.flush(within: .seconds(1)) }

  private static let shared = Mutex<LogQueue?>(nil)

  /// Whether standard error is the journal stream that systemd connects a service's output to: JOURNAL_STREAM contains
  /// its device and inode (systemd.exec(5)).
  private static var isJournalStream: Bool {
    // SAFETY: the string is copied at once, and nothing here calls setenv.
    guard let value = unsafe getenv("JOURNAL_STREAM") else { return false }
    let numbers = unsafe String(cString: value).split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    return cs_is_file(2, device, inode) == 1
  }

  private static var hasJournalSocket: Bool {
    // SAFETY: the path is a literal.
    unsafe access(JournalEntry.path, W_OK) == 0
  }
}

extension Logger.Level {
  /// The level of the same name.
  package init(_ level: LogLevel) { self = Self(rawValue: level.rawValue) ?? .info }
}
