import Wire

/// An error or a warning about a configuration: the position, the message, and a suggestion.
package struct Diagnostic: Hashable, Sendable {
  /// Whether it is an error or a warning.
  package enum Severity: String, Sendable {
    /// The configuration is rejected.
    case error
    /// The configuration is valid, but probably not as intended.
    case warning
  }

  package var severity: Severity
  /// The file's name as passed by the caller.
  package var file: String
  /// Nil when the problem concerns the whole file.
  package var place: Place?
  /// A clause without a full stop that names the key or value and the problem.
  package var message: String
  /// The remedy, as a sentence or a question.
  package var suggestion: String?

  /// Control characters in the texts are escaped.
  package init(_ severity: Severity, file: String, place: Place?, message: String, suggestion: String? = nil) {
    self.severity = severity
    self.file = file
    self.place = place
    // Control characters that the file contains as escapes must not be sent to a terminal.
    self.message = message.escapingControls()
    self.suggestion = suggestion?.escapingControls()
  }

  /// For an unreadable file. `reason`: the system's error message.
  package static func unreadable(file: String, reason: String) -> Diagnostic {
    Diagnostic(.error, file: file, place: nil, message: "cannot be read: \(reason)")
  }

  /// A position in the file, with its line for display.
  package struct Place: Hashable, Sendable {
    package var mark: Mark
    /// The source line without its end; nil where it is no help.
    package var sourceLine: String?

    package init(mark: Mark, sourceLine: String?) {
      self.mark = mark
      self.sourceLine = sourceLine
    }
  }
}

/// A range of characters on one line of the source.
package struct Mark: Hashable, Sendable {
  /// From 1.
  package var line: Int
  /// From 1, in characters (Unicode scalars, as libyaml counts).
  package var column: Int
  /// Number of characters; 0 without a range.
  package var length: Int

  /// The start of the file, for missing keys.
  static let top = Mark(line: 1, column: 1, length: 0)
}

extension Diagnostic {
  /// One line for a log: `file:line:column: message. suggestion`.
  package var line: String {
    let position = place.map { ":\($0.mark.line):\($0.mark.column)" } ?? ""
    // A multi-line example does not fit into a log line.
    let advice = suggestion.flatMap { $0.contains("\n") ? nil : ". " + $0 } ?? ""
    return "\(file)\(position): \(message)\(advice)"
  }

  /// In the format of compilers: `file:line:column: error: message`, the source line with the position underlined, and
  /// the suggestion. Without a newline at the end.
  package var rendered: String {
    guard let place else { return "\(file): \(severity.rawValue): \(message)" + suggestionLine }
    let mark = place.mark
    var text = "\(file):\(mark.line):\(mark.column): \(severity.rawValue): \(message)"
    if let line = place.sourceLine, mark.length > 0 {
      let number = String(mark.line)
      let margin = String(repeating: " ", count: max(0, Diagnostic.numberWidth - number.count))
      text += "\n\(margin)\(number) | \(excerpt(of: line))"
      text += "\n\(Diagnostic.emptyMargin)| \(underline(of: mark, in: line))"
    }
    return text + suggestionLine
  }

  private var suggestionLine: String {
    suggestion.map { "\n\(Diagnostic.emptyMargin)= \($0)" } ?? ""
  }

  /// The line with control characters replaced, truncated to the width of the display.
  private func excerpt(of line: String) -> String {
    let scalars = line.unicodeScalars.prefix(Diagnostic.widestExcerpt).map { scalar -> Character in
      scalar.isControl && scalar != "\t" ? "\u{fffd}" : Character(scalar)
    }
    return String(scalars) + (line.unicodeScalars.dropFirst(Diagnostic.widestExcerpt).isEmpty ? "" : "…")
  }

  /// Tabs before the position are repeated, so that the caret is below it with any tab width.
  private func underline(of mark: Mark, in line: String) -> String {
    guard mark.column <= Diagnostic.widestExcerpt else { return "" }
    let before = line.unicodeScalars.prefix(mark.column - 1).map { $0 == "\t" ? Character("\t") : " " }
    let room = Diagnostic.widestExcerpt - mark.column
    return String(before) + "^" + String(repeating: "~", count: min(mark.length - 1, room))
  }

  private static let numberWidth = 5
  private static let emptyMargin = String(repeating: " ", count: numberWidth + 1)
  private static let widestExcerpt = 160
}

extension Diagnostic: Error {}

extension [Diagnostic] {
  /// In the file's order; diagnostics with the same position keep their order.
  func sorted() -> [Diagnostic] {
    enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }.map(\.element)
  }
}

extension Diagnostic {
  fileprivate var position: Position { Position(line: place?.mark.line ?? 0, column: place?.mark.column ?? 0) }

  fileprivate struct Position: Comparable {
    let line, column: Int

    static func < (left: Position, right: Position) -> Bool {
      (left.line, left.column) < (right.line, right.column)
    }
  }
}
