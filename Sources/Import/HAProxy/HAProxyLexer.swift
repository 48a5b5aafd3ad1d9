import Wire

/// Cuts the lines of haproxy.cfg into words (configuration.txt, sections 2.1 to 2.3): quotes, escapes, comments, and
/// variables of the environment, which count between double quotes only. A line ends where it ends; nothing continues it.
struct HAProxyLexer {
  /// Longest value of all variables of one line together: a line may name a long one many times.
  static let longestExpansion = 65_536

  /// A line with at least one word.
  struct Line {
    var words: [Word] = []
    /// What keeps the line from being understood.
    var problem: String?
  }

  /// Variables by name. Lines with `setenv` change it.
  var environment: [String: String]
  /// The section that begins before this line, for the variable `.SECTION`.
  var section = ""
  private let file: String

  init(file: String, environment: [String: String]) {
    self.file = file
    self.environment = environment
  }

  /// The words of a line without its line feed.
  func words(of bytes: Span<UInt8>, number: Int) -> Line {
    var scan = Scan(place: Word.Place(file: file, line: number))
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch (scan.quote, byte) {
      case (nil, UInt8(ascii: "#")): index = bytes.count
      case (nil, UInt8(ascii: " ")), (nil, UInt8(ascii: "\t")), (nil, 0x0d):
        scan.endWord()
        index += 1
      case (nil, UInt8(ascii: "\"")), (nil, UInt8(ascii: "'")):
        scan.quote = byte
        scan.keep(byte)
        index += 1
      case (byte, _):
        scan.quote = nil
        scan.keep(byte)
        index += 1
      case (UInt8(ascii: "'"), _):
        scan.append(byte)
        index += 1
      case (_, UInt8(ascii: "\\")): index = escape(bytes, at: index, &scan)
      case (UInt8(ascii: "\""), UInt8(ascii: "$")): index = expand(bytes, at: index, number, &scan)
      default:
        scan.append(byte)
        index += 1
      }
    }
    if scan.quote != nil { scan.line.problem = "close the quote" }
    scan.quote = nil
    scan.endWord()
    return scan.line
  }

  /// The words found so far, and the one that is being read.
  private struct Scan {
    let place: Word.Place
    var line = Line()
    /// The open quote.
    var quote: UInt8?
    private var text: [UInt8] = []
    private var source: [UInt8] = []
    private(set) var expanded = 0

    init(place: Word.Place) { self.place = place }

    mutating func append(_ byte: UInt8) {
      text.append(byte)
      source.append(byte)
    }

    /// A byte of the file that is none of the word.
    mutating func keep(_ byte: UInt8) { source.append(byte) }

    /// Bytes of the word that are not in the file.
    mutating func insert(_ bytes: some Collection<UInt8>) {
      expanded += bytes.count
      text += bytes
    }

    mutating func endWord() {
      guard !source.isEmpty else { return }
      line.words.append(
        Word(
          text: String(decoding: text, as: UTF8.self), source: String(decoding: source, as: UTF8.self), place: place))
      (text, source) = ([], [])
    }
  }

  private func escape(_ bytes: Span<UInt8>, at index: Int, _ scan: inout Scan) -> Int {
    scan.keep(bytes[index])
    guard index + 1 < bytes.count else {
      scan.insert([UInt8(ascii: "\\")])
      return index + 1
    }
    let byte = bytes[index + 1]
    scan.keep(byte)
    switch byte {
    case UInt8(ascii: "n"): scan.insert([0x0a])
    case UInt8(ascii: "r"): scan.insert([0x0d])
    case UInt8(ascii: "t"): scan.insert([0x09])
    case UInt8(ascii: "x"):
      guard index + 3 < bytes.count, let high = bytes[index + 2].hexadecimalDigit,
        let low = bytes[index + 3].hexadecimalDigit
      else {
        scan.line.problem = "two hexadecimal digits must follow \\x"
        return index + 2
      }
      scan.keep(bytes[index + 2])
      scan.keep(bytes[index + 3])
      scan.insert([high << 4 | low])
      return index + 4
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "#"), UInt8(ascii: "\\"), UInt8(ascii: "'"),
      UInt8(ascii: "\""), UInt8(ascii: "$"):
      scan.insert([byte])
    default: scan.insert([UInt8(ascii: "\\"), byte])
    }
    return index + 2
  }

  private func expand(_ bytes: Span<UInt8>, at start: Int, _ number: Int, _ scan: inout Scan) -> Int {
    var index = start + 1
    let isBraced = index < bytes.count && bytes[index] == UInt8(ascii: "{")
    if isBraced { index += 1 }
    var name: [UInt8] = []
    while index < bytes.count, VariableName.contains(bytes[index]) || name.isEmpty && bytes[index] == UInt8(ascii: ".")
    {
      name.append(bytes[index])
      index += 1
    }
    var substitute: [UInt8]?
    if isBraced {
      if index < bytes.count, bytes[index] == UInt8(ascii: "-") {
        var value: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "}") {
          value.append(bytes[index])
          index += 1
        }
        substitute = value
      }
      let isList = index + 2 < bytes.count && bytes[index] == UInt8(ascii: "[")
      if isList { index += 3 }
      if index < bytes.count, bytes[index] == UInt8(ascii: "}") {
        index += 1
      } else {
        scan.line.problem = "close the brace of the variable"
      }
      if isList { scan.line.problem = "write the values of the list variable" }
    }
    for place in start..<min(index, bytes.count) { scan.keep(bytes[place]) }
    let variable = String(decoding: name, as: UTF8.self)
    if let value = value(of: variable, line: number).map({ Array($0.utf8) }) ?? substitute {
      guard value.count <= Self.longestExpansion - scan.expanded else {
        scan.line.problem = "shorten the variables, which have more than \(Self.longestExpansion) bytes"
        return index
      }
      scan.insert(value)
    } else if scan.line.problem == nil {
      scan.line.problem = "set the variable \(variable) for the import as HAProxy gets it"
    }
    return max(index, start + 1)
  }

  private func value(of variable: String, line: Int) -> String? {
    switch variable {
    case ".FILE": file
    case ".LINE": "\(line)"
    case ".SECTION": section
    default: environment[variable]
    }
  }
}
