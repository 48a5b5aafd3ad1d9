import CSystemd
import Domain
import Glibc
import Linux
import Logging
import Synchronization
import Wire

/// Where both roles' operational log goes, decided once at a process's start.
package enum OperationalLog {
  /// Sets up every logger that is made after this call. Once a process; a later call is a programmer's error.
  package static func bootstrap(target: LogTarget, level: LogLevel, facility: LogFacility) {
    setLevel(level)
    setFacility(facility)
    let toJournal =
      switch target {
      case .automatic: isJournalStream && isJournalThere
      case .standardError: false
      case .journal: isJournalThere
      }
    // Without a thread to write, messages are written where they are said.
    let queue = try? LogQueue()
    shared.withLock { $0 = queue }
    let form = toJournal ? OperationalLogHandler.Form.entry : isJournalStream ? .prefixedLine : .line
    LoggingSystem.bootstrap { OperationalLogHandler(label: $0, form, queue: queue) }
    if target == .journal, !toJournal {
      Logger(label: "belvedere").warning("there is no journal on this machine: logging to standard error")
    }
  }

  /// Messages below are not said.
  package static var level: Logger.Level {
    Logger.Level.allCases[Int(levelIndex.load(ordering: .relaxed))]
  }

  /// Changes the level of every logger.
  package static func setLevel(_ level: LogLevel) {
    levelIndex.store(UInt8(Logger.Level.allCases.firstIndex(of: .init(level)) ?? 0), ordering: .relaxed)
  }

  private static let levelIndex = Atomic<UInt8>(0)

  /// Syslog's number of the facility that entries of the journal have.
  static var facility: UInt8 { facilityCode.load(ordering: .relaxed) }

  /// Changes the facility of what is said from now on.
  package static func setFacility(_ facility: LogFacility) { facilityCode.store(facility.code, ordering: .relaxed) }

  /// A daemon's, unless told otherwise.
  private static let facilityCode = Atomic<UInt8>(LogFacility.daemon.code)

  /// The last warnings and errors that were said here, or that `add` told of; the latest last.
  package static var problems: [Problem] { list.withLock { $0.entries } }

  /// The same, and forgets them.
  package static func takeProblems() -> [Problem] { list.withLock { $0.takeAll() } }

  /// Adds what another process has warned of.
  package static func add(_ problem: Problem) { list.withLock { $0.add(problem) } }

  private static let list = Mutex(ProblemList())

  /// Keeps what is worth a person's eye.
  static func noteProblem(_ event: LogEvent, _ metadata: Logger.Metadata) {
    guard event.level >= .warning else { return }
    let detail = metadata["detail"].map { ": \($0)" } ?? ""
    add(Problem(time: Clock.wall(), count: 1, text: "\(event.message)\(detail)"))
  }

  /// Waits until everything that was said is written, for a second at most: the last thing that a process does.
  package static func flush() { shared.withLock { $0 }?.flush(within: .seconds(1)) }

  private static let shared = Mutex<LogQueue?>(nil)

  /// Whether standard error is the stream to the journal that systemd connects a service's output to: JOURNAL_STREAM
  /// holds its device and inode (systemd.exec(5)).
  private static var isJournalStream: Bool {
    // SAFETY: the string is copied at once, and nothing here calls setenv.
    guard let value = unsafe getenv("JOURNAL_STREAM") else { return false }
    let numbers = unsafe String(cString: value).split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    return cs_is_file(2, device, inode) == 1
  }

  private static var isJournalThere: Bool {
    // SAFETY: the path is a literal.
    unsafe access(JournalEntry.path, W_OK) == 0
  }
}

extension Logger.Level {
  /// By the same word.
  package init(_ level: LogLevel) { self = Self(rawValue: level.rawValue) ?? .info }
}
