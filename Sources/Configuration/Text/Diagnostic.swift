import Wire

/// One thing wrong with a configuration, or worth a word: where it is, what it is, and what to do about it.
package struct Diagnostic: Hashable, Sendable {
  /// How much it matters.
  package enum Severity: String, Sendable {
    /// The configuration is refused.
    case error
    /// The configuration works, but probably not as meant.
    case warning
  }

  package var severity: Severity
  /// The file's name as the caller gave it.
  package var file: String
  /// Nil when the problem is the file itself.
  package var place: Place?
  /// A clause without a full stop: it names the thing and what is wrong with it.
  package var message: String
  /// What to do, as a sentence or a question.
  package var suggestion: String?

  /// Control characters in the texts are escaped.
  package init(_ severity: Severity, file: String, place: Place?, message: String, suggestion: String? = nil) {
    self.severity = severity
    self.file = file
    self.place = place
    // What a file spells with escapes must not reach a terminal as it is.
    self.message = message.escapingControls()
    self.suggestion = suggestion?.escapingControls()
  }

  /// For a file that could not be read at all. `reason` is the system's own words for the error.
  package static func unreadable(file: String, reason: String) -> Diagnostic {
    Diagnostic(.error, file: file, place: nil, message: "cannot be read: \(reason)")
  }

  /// A place in the file, with the line to show for it.
  package struct Place: Hashable, Sendable {
    package var mark: Mark
    /// The source line without its end; nil where showing it explains nothing.
    package var sourceLine: String?

    package init(mark: Mark, sourceLine: String?) {
      self.mark = mark
      self.sourceLine = sourceLine
    }
  }
}

/// A run of characters on one line of the source.
package struct Mark: Hashable, Sendable {
  /// From 1.
  package var line: Int
  /// From 1, in characters (Unicode scalars, as libyaml counts).
  package var column: Int
  /// How many characters; 0 when there is nothing to point at.
  package var length: Int

  /// The top of the file, for what is missing from it.
  static let top = Mark(line: 1, column: 1, length: 0)
}

extension Diagnostic {
  /// In one line, for a log: `file:line:column: message. suggestion`.
  package var line: String {
    let position = place.map { ":\($0.mark.line):\($0.mark.column)" } ?? ""
    // An example of several lines has no place in a log.
    let advice = suggestion.flatMap { $0.contains("\n") ? nil : ". " + $0 } ?? ""
    return "\(file)\(position): \(message)\(advice)"
  }

  /// As a compiler prints it: `file:line:column: error: message`, the source line with the place underlined, and the
  /// suggestion. No newline at the end.
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

  /// The line with what a terminal would obey made harmless, cut to what fits beside the margin.
  private func excerpt(of line: String) -> String {
    let scalars = line.unicodeScalars.prefix(Diagnostic.widestExcerpt).map { scalar -> Character in
      scalar.isControl && scalar != "\t" ? "\u{fffd}" : Character(scalar)
    }
    return String(scalars) + (line.unicodeScalars.dropFirst(Diagnostic.widestExcerpt).isEmpty ? "" : "…")
  }

  /// Tabs before the place are repeated, so that the caret lands under it whatever a tab's width.
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
  /// In the order of the file; what is said about one place stays in the order in which it was found.
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
