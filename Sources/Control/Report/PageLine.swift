import Wire

/// A line for a terminal: pieces of text, some of them coloured. Control characters are made visible.
package struct PageLine: Hashable, Sendable {
  /// How a piece of the text is shown where there are colours.
  package enum Mood: Sendable {
    case plain, bold, inverse, good, doubtful, bad

    /// Select Graphic Rendition (ECMA-48 §8.3.117).
    fileprivate var code: String? {
      switch self {
      case .plain: nil
      case .bold: "1"
      case .inverse: "7"
      case .good: "32"
      case .doubtful: "33"
      case .bad: "31"
      }
    }
  }

  private struct Piece: Hashable, Sendable {
    var text: String
    let mood: Mood
  }

  private var pieces: [Piece] = []

  /// One piece.
  package init(_ text: String, _ mood: Mood = .plain) { append(text, mood) }

  /// The number of characters.
  package var count: Int { pieces.reduce(0) { $0 + $1.text.count } }

  /// Appends the text, with its control characters made visible.
  package mutating func append(_ text: String, _ mood: Mood = .plain) {
    if let last = pieces.indices.last, pieces[last].mood == mood {
      pieces[last].text += text.escapingControls()
    } else {
      pieces.append(Piece(text: text.escapingControls(), mood: mood))
    }
  }

  /// Appends a line.
  package mutating func append(_ line: PageLine) { pieces += line.pieces }

  /// The first characters of the line; `…` is the last one of a line that is longer.
  package func clipped(to width: Int) -> PageLine {
    guard count > width else { return self }
    var line = PageLine("")
    var room = width - 1
    for piece in pieces where room > 0 {
      line.append(String(piece.text.prefix(room)), piece.mood)
      room -= min(room, piece.text.count)
    }
    if width > 0 { line.append("…", pieces.last?.mood ?? .plain) }
    return line
  }

  /// The text, with colours if it is to have them.
  package func rendered(isColoured: Bool) -> String {
    pieces.map { piece in
      guard isColoured, let code = piece.mood.code, !piece.text.isEmpty else { return piece.text }
      return "\u{1b}[\(code)m\(piece.text)\u{1b}[0m"
    }.joined()
  }

  /// Splits the line to the width, with `label` before the first part and all parts indented. Breaks between words, and
  /// within a word that is longer than a line.
  package func wrapped(after label: String, indent: Int, width: Int = StatusText.width) -> [PageLine] {
    let margin = label.isEmpty ? "" : "  " + label
    var lines: [PageLine] = []
    var line = PageLine(margin + String(repeating: " ", count: max(0, indent - margin.count)))
    var room = width - indent
    var isStart = true
    func begin() {
      lines.append(line)
      line = PageLine(String(repeating: " ", count: indent))
      room = width - indent
    }
    for (gap, word, mood) in words {
      if !isStart, gap + word.count > room {
        begin()
        isStart = true
      }
      var rest = (isStart ? "" : String(repeating: " ", count: gap)) + word
      while rest.count > room {
        line.append(String(rest.prefix(room)), mood)
        rest = String(rest.dropFirst(room))
        begin()
      }
      line.append(rest, mood)
      room -= rest.count
      isStart = false
    }
    return lines + [line]
  }

  /// The words, each with the number of spaces before it.
  private var words: [(gap: Int, word: String, Mood)] {
    var words: [(Int, String, Mood)] = []
    var gap = 0
    for piece in pieces {
      var word = ""
      for character in piece.text {
        if character == " ", !word.isEmpty {
          words.append((gap, word, piece.mood))
          (gap, word) = (0, "")
        }
        if character == " " { gap += 1 } else { word.append(character) }
      }
      if !word.isEmpty {
        words.append((gap, word, piece.mood))
        gap = 0
      }
    }
    return words
  }
}
