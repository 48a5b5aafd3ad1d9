/// The text of a configuration file: valid UTF-8 without characters that YAML forbids, split into lines in the same way
/// as by libyaml, so that its marks refer to the right lines.
struct SourceText: Sendable {
  /// The file's name in diagnostics.
  let file: String
  /// Without a byte order mark.
  let bytes: [UInt8]
  private let lines: [String]

  /// A hundred times larger than any useful configuration; a larger file is not a configuration.
  static let byteLimit = 1 << 20

  init(file: String, bytes: [UInt8]) throws(Diagnostic) {
    guard bytes.count <= SourceText.byteLimit else {
      throw Diagnostic(.error, file: file, place: nil, message: "larger than 1 MiB: this is not a configuration file")
    }
    let marked = bytes.starts(with: [0xef, 0xbb, 0xbf])
    let content = marked ? Array(bytes.dropFirst(3)) : bytes
    self.file = file
    self.bytes = content
    do {
      _ = try UTF8Span(validating: content.span)
    } catch {
      let good = SourceText.lines(of: String(decoding: content[..<error.byteOffsets.lowerBound], as: UTF8.self))
      let mark = SourceText.markAfter(good)
      throw SourceText.refusal(file, mark, good.last, "not UTF-8 text", "Save the file in UTF-8.")
    }
    let text = String(decoding: content, as: UTF8.self)
    if let index = text.unicodeScalars.firstIndex(where: { !SourceText.isPrintable($0) }) {
      let good = SourceText.lines(of: String(text[..<index]))
      let code = String(text.unicodeScalars[index].value, radix: 16, uppercase: true)
      let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
      throw SourceText.refusal(
        file, SourceText.markAfter(good), good.last, "the character U+\(padded) is not text", nil)
    }
    lines = SourceText.lines(of: text)
  }

  /// The position for a mark, with its line.
  func place(of mark: Mark) -> Diagnostic.Place {
    Diagnostic.Place(mark: mark, sourceLine: line(mark.line))
  }

  /// A line by its number, from 1.
  func line(_ number: Int) -> String? {
    lines.indices.contains(number - 1) ? lines[number - 1] : nil
  }

  /// The characters that libyaml accepts (YAML 1.1 §5.1).
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a, 0x0d, 0x20...0x7e, 0x85, 0xa0...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x10000...0x10ffff: true
    default: false
    }
  }

  /// CR LF, CR, LF, NEL, LS and PS end a line in YAML 1.1.
  private static func lines(of text: String) -> [String] {
    var lines: [String] = []
    var line = String.UnicodeScalarView()
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where previous == "\r": break
      case "\r", "\n", "\u{85}", "\u{2028}", "\u{2029}":
        lines.append(String(line))
        line = String.UnicodeScalarView()
      default: line.append(scalar)
      }
      previous = scalar
    }
    lines.append(String(line))
    return lines
  }

  /// The position after a text.
  private static func markAfter(_ lines: [String]) -> Mark {
    Mark(line: max(1, lines.count), column: (lines.last?.unicodeScalars.count ?? 0) + 1, length: 1)
  }

  private static func refusal(
    _ file: String, _ mark: Mark, _ line: String?, _ message: String, _ suggestion: String?
  ) -> Diagnostic {
    let place = Diagnostic.Place(mark: mark, sourceLine: line)
    return Diagnostic(.error, file: file, place: place, message: message, suggestion: suggestion)
  }
}
