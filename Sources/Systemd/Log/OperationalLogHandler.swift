import Linux
import Logging
import Wire

/// Writes log messages to standard error or to the journal, each in one write.
struct OperationalLogHandler: LogHandler {
  enum Form {
    /// A line with time and level.
    case line
    /// A line for the journal's stream, with the level as a prefix; the journal adds the time.
    case prefixedLine
    /// A journal entry with the metadata as fields: `journalctl BELVEDERE_SERVER=view01` finds the messages about one
    /// server.
    case entry
  }

  /// The most fields of an entry; further metadata is only in its text.
  static let fieldLimit = 32

  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  /// The common level, unless this logger has its own.
  var logLevel: Logger.Level {
    get { ownLevel ?? OperationalLog.level }
    set { ownLevel = newValue }
  }
  private var ownLevel: Logger.Level?
  private let label: String
  private let form: Form
  /// Nil: every message is written synchronously.
  private let queue: LogQueue?

  /// `label` is the role's name.
  init(label: String, _ form: Form, queue: LogQueue? = nil) {
    self.label = label
    self.form = form
    self.queue = queue
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    OperationalLog.noteProblem(event, merged(event))
    let line = line(for: event, at: Clock.wall()) + "\n"
    let entry = form == .entry ? LogQueue.Entry.journal(fields(for: event), line: line) : .line(line)
    if let queue { queue.submit(entry) } else { LogQueue.write(entry) }
  }

  /// `2025-11-22T10:52:01.123Z info supervisor: message key=value`; `<6>supervisor: message key=value`; and without
  /// time and level as the alternative to an entry.
  func line(for event: LogEvent, at time: WallTime) -> String {
    let message = "\(label): " + LogText.message("\(event.message)", merged(event))
    return switch form {
    case .line: "\(time) \(event.level.rawValue) \(message)"
    case .prefixedLine: "<\(LogText.priority(of: event.level))>\(message)"
    case .entry: message
    }
  }

  /// The entry's fields. The message text includes the metadata that the message does not name itself, because
  /// `journalctl` shows only the text.
  func fields(for event: LogEvent) -> [String] {
    let metadata = merged(event)
    var fields = [
      "MESSAGE=" + LogText.message("\(event.message)", metadata), "PRIORITY=\(LogText.priority(of: event.level))",
      "SYSLOG_FACILITY=\(OperationalLog.facility)", "SYSLOG_IDENTIFIER=belvedere", "BELVEDERE_ROLE=" + label,
    ]
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(Self.fieldLimit - fields.count) {
      fields.append(Self.name(of: key) + "=" + value.description)
    }
    return fields
  }

  /// The merged metadata of the logger, its provider and the message; the last takes precedence.
  private func merged(_ event: LogEvent) -> Logger.Metadata {
    var merged = metadata
    if let metadataProvider { merged.merge(metadataProvider.get()) { $1 } }
    if let metadata = event.metadata { merged.merge(metadata) { $1 } }
    if let error = event.error { merged["error"] = "\(error)" }
    return merged
  }

  /// The field name of a metadata key: upper case, digits and underscores, as the journal requires.
  private static func name(of key: String) -> String {
    "BELVEDERE_"
      + key.unicodeScalars.map { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": String(scalar).uppercased()
        default: "_"
        }
      }.joined()
  }
}
