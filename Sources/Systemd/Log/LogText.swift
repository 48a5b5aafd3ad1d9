import Logging
import Wire

/// How a log message becomes text. What a peer sent can't end a line, begin another or reach a terminal's controls.
enum LogText {
  /// What a message is about. It names them in its own words, and its text does not repeat them; the journal has them as
  /// fields. docs/operate.md lists these.
  static let subjects: Set = ["client", "configuration", "router", "server", "state"]

  /// `message key=value key="two words"`, with the keys in order.
  static func message(_ message: String, _ metadata: Logger.Metadata) -> String {
    let told = metadata.filter { !subjects.contains($0.key) }
    return told.sorted { $0.key < $1.key }.reduce(into: message.escapingControls()) { text, field in
      text += " \(field.key)=\(value(field.value.description))"
    }
  }

  /// The value of `key=value`: in quotes unless it is one plain word.
  static func value(_ text: String) -> String {
    let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !#""\="#.utf8.contains($0) }
    guard !plain else { return text }
    // By scalars: a quote that a combining mark follows is one too.
    let quoted = text.unicodeScalars.reduce(into: "") { text, scalar in
      if scalar == "\"" || scalar == "\\" { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    return "\"" + quoted.escapingControls() + "\""
  }

  /// The severity of syslog (RFC 5424 §6.2.1).
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
