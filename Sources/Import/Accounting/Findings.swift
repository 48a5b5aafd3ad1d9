/// What became of a word of an imported file.
package enum Verdict: Hashable, Sendable {
  /// The configuration has it, under this key.
  case taken(String)
  /// What Belvedere does without being told.
  case standard(String)
  /// For this reason.
  case notNeeded(String)
  /// With what is to be done instead.
  case impossible(String)

  /// Of several verdicts on one word, which counts: what a person must see comes before what was done.
  var weight: Int {
    switch self {
    case .notNeeded: 0
    case .standard: 1
    case .taken: 2
    case .impossible: 3
    }
  }

  /// Whether a person has to do something.
  package var needsPerson: Bool { if case .impossible = self { true } else { false } }
}

extension Verdict: CustomStringConvertible {
  package var description: String {
    switch self {
    case .taken(let key): "taken over: \(key)"
    case .standard(let key): "the default anyway: \(key)"
    case .notNeeded(let reason): "not needed: \(reason)"
    case .impossible(let advice): "not possible: \(advice)"
    }
  }
}

/// A word of an imported file, as the file's own program reads it.
package struct Word: Hashable, Sendable {
  /// Without quotes and escapes, and with variables replaced.
  package let text: String
  /// As it is in the file.
  package let source: String
  package let place: Place

  /// A file's path, and the number of a line from 1 on.
  package struct Place: Hashable, Sendable {
    package let file: String
    package let line: Int
  }
}

/// Consecutive words of a line with one verdict.
package struct Finding: Hashable, Sendable {
  package let words: [Word]
  package let verdict: Verdict

  /// Whether these are only brackets of blocks.
  package var isBracket: Bool { words.allSatisfy { ["{", "}"].contains($0.source) } && !verdict.needsPerson }

  /// For the report, on one line.
  package var text: String {
    let place = words.first.map { "\($0.place.file):\($0.place.line): " } ?? ""
    var shown = words.map(\.source)
    for index in shown.indices.dropFirst() where Self.beforeSecrets.contains(words[index - 1].text) {
      shown[index] = "***"
    }
    return Printable.line("\(place)\(shown.joined(separator: " ")): \(verdict)")
  }

  /// Words that are followed by a password, which a report must not spread.
  private static let beforeSecrets: Set = ["auth", "auth_pass", "password", "insecure-password"]
}

/// Texts from imported files that are printed or written into comments.
package enum Printable {
  /// One line of visible characters.
  package static func line(_ text: String) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isVisible = scalar.value >= 0x20 && !(0x7f...0x9f ~= scalar.value)
      line.append(isVisible && ![0x2028, 0x2029, 0xfeff].contains(scalar.value) ? scalar : "?")
    }
    return String(line)
  }
}
