import Logging

/// Writes log messages to the journal with their metadata as fields: `journalctl BELVEDERE_SERVER=view01` finds what
/// was said about one server.
package struct JournalLogHandler: LogHandler {
  /// The journal's entry takes this many fields of ours; a message with more keeps them in its text.
  static let fieldLimit = 32

  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  /// The one of all loggers unless this one was given its own.
  package var logLevel: Logger.Level {
    get { ownLevel ?? OperationalLog.level }
    set { ownLevel = newValue }
  }
  private var ownLevel: Logger.Level?
  private let label: String
  private let queue: LogQueue

  /// `label` says who speaks: the role's name.
  package init(label: String, level: Logger.Level? = nil, queue: LogQueue) {
    self.label = label
    self.queue = queue
    ownLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let fields = fields(for: event)
    let metadata = LogText.merged(metadata, metadataProvider, event)
    let line = "\(label): \(LogText.message("\(event.message)", metadata))\n"
    OperationalLog.noteProblem(event, metadata)
    queue.submit(.journal(fields, line: line))
  }

  /// The entry's fields. The text repeats the metadata that the message does not name itself, because that is what
  /// `journalctl` shows.
  func fields(for event: LogEvent) -> [String] {
    let metadata = LogText.merged(metadata, metadataProvider, event)
    var fields = [
      "MESSAGE=" + LogText.message("\(event.message)", metadata), "PRIORITY=\(LogText.priority(of: event.level))",
      "SYSLOG_FACILITY=\(OperationalLog.facility)", "SYSLOG_IDENTIFIER=belvedere", "BELVEDERE_ROLE=" + label,
    ]
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }).prefix(Self.fieldLimit - fields.count) {
      fields.append(Self.name(of: key) + "=" + value.description)
    }
    return fields
  }

  /// The field of a metadata key: upper case, digits and underscores, as the journal wants names.
  static func name(of key: String) -> String {
    "BELVEDERE_"
      + key.unicodeScalars.map { scalar in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": String(scalar).uppercased()
        default: "_"
        }
      }.joined()
  }
}
