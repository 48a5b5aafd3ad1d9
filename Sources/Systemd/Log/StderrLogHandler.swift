import CSystemd
import Glibc
import Linux
import Logging
import Wire

/// Writes log messages to standard error, each as one line in one write.
package struct StderrLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  /// The one of all loggers unless this one was given its own.
  package var logLevel: Logger.Level {
    get { ownLevel ?? OperationalLog.level }
    set { ownLevel = newValue }
  }
  private var ownLevel: Logger.Level?
  private let label: String
  /// Whether standard error leads to the journal, which adds the time itself and takes the level as a prefix.
  private let isJournal: Bool
  /// Nil: every message is written before the call returns.
  private let queue: LogQueue?

  /// `label` says who speaks: the role's name.
  package init(
    label: String, level: Logger.Level? = nil, isJournal: Bool = JournalStream.isStandardError, queue: LogQueue? = nil
  ) {
    self.label = label
    self.queue = queue
    self.isJournal = isJournal
    ownLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let entry = LogQueue.Entry.line(line(for: event, at: Clock.wall()) + "\n")
    OperationalLog.noteProblem(event, LogText.merged(metadata, metadataProvider, event))
    if let queue { queue.submit(entry) } else { LogQueue.write(entry) }
  }

  /// `2025-11-22T10:52:01.123Z info  supervisor: message key=value`, or `<6>supervisor: message key=value`.
  func line(for event: LogEvent, at time: WallTime) -> String {
    let message = LogText.message("\(event.message)", LogText.merged(metadata, metadataProvider, event))
    if isJournal { return "<\(LogText.priority(of: event.level))>\(label): \(message)" }
    return "\(time) \(event.level.rawValue) \(label): \(message)"
  }
}

/// The stream to the journal that systemd connects a service's output to.
package enum JournalStream {
  /// Whether standard error is that stream: JOURNAL_STREAM holds its device and inode (systemd.exec(5)).
  package static let isStandardError: Bool = {
    // SAFETY: the string is copied at once, and nothing here calls setenv.
    guard let value = unsafe getenv("JOURNAL_STREAM") else { return false }
    let numbers = unsafe String(cString: value).split(separator: ":").map { UInt64($0) }
    guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
    return cs_is_file(2, device, inode) == 1
  }()
}
