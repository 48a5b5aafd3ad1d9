import Logging
import Wire

/// How a log message becomes text. What a peer sent can't end a line, begin another or reach a terminal's controls.
enum LogText {
  /// What a message is about. It names them in its own words, and its text does not repeat them; the journal has them as
  /// fields. docs/operate.md lists these.
  static let subjects: Set = ["client", "generation", "router", "server", "state"]

  /// `message key=value key="two words"`, with the keys in order.
  static func message(_ message: String, _ metadata: Logger.Metadata) -> String {
    let told = metadata.filter { !subjects.contains($0.key) }
    return told.sorted { $0.key < $1.key }.reduce(into: line(message)) { text, field in
      text += " \(field.key)=\(value(field.value.description))"
    }
  }

  /// The text in one line, with control characters in escaped form.
  static func line(_ text: String) -> String {
    text.unicodeScalars.contains(where: \.isControl) ? escaped(text) : text
  }

  /// The value of `key=value`: in quotes unless it is one plain word.
  static func value(_ text: String) -> String {
    let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !#""\="#.utf8.contains($0) }
    return plain ? text : "\"" + escaped(text, alsoQuotes: true) + "\""
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

  private static func escaped(_ text: String, alsoQuotes: Bool = false) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\"" where alsoQuotes, "\\" where alsoQuotes: result += "\\\(scalar)"
      case _ where scalar.isControl:
        result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
