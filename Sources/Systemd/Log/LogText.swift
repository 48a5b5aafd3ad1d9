import Logging
import Wire

/// The text form of log messages. Text from a peer can't end a line, start another, or send control sequences to a
/// terminal.
enum LogText {
  /// Metadata keys of a message's subjects. The message itself names them, so its text does not repeat them; in the
  /// journal they are fields. docs/operate.md lists them.
  static let subjects: Set = ["client", "configuration", "router", "server", "state"]

  /// `message key=value key="two words"`, with the keys sorted.
  static func message(_ message: String, _ metadata: Logger.Metadata) -> String {
    let fields = metadata.filter { !subjects.contains($0.key) }
    return fields.sorted { $0.key < $1.key }.reduce(into: message.escapingControls()) { text, field in
      text += " \(field.key)=\(value(field.value.description))"
    }
  }

  /// The value in `key=value`: quoted unless it is a single plain word.
  static func value(_ text: String) -> String {
    let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !#""\="#.utf8.contains($0) }
    guard !plain else { return text }
    // By scalars: a quote before a combining mark must be escaped too.
    let quoted = text.unicodeScalars.reduce(into: "") { text, scalar in
      if scalar == "\"" || scalar == "\\" { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    return "\"" + quoted.escapingControls() + "\""
  }

  /// The syslog severity (RFC 5424 §6.2.1).
  static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
