/// Cuts lines of keepalived.conf into words (keepalived.conf(5)): quotes, escapes, and comments from `#` or `!`.
struct KeepalivedLexer {
  /// A word with its quotes, and without.
  struct Token: Hashable {
    var text: String
    var source: String
  }

  /// The words of a line, and whether a quote is open at its end.
  static func tokens(_ line: some Collection<UInt8>) -> (tokens: [Token], isOpen: Bool) {
    var tokens: [Token] = []
    var text: [UInt8] = []
    var source: [UInt8] = []
    var quote: UInt8?
    var isEscaped = false
    func end() {
      guard !source.isEmpty else { return }
      tokens.append(Token(text: String(decoding: text, as: UTF8.self), source: String(decoding: source, as: UTF8.self)))
      (text, source) = ([], [])
    }
    for byte in line {
      if isEscaped {
        isEscaped = false
        source.append(byte)
        text.append(Self.meaning(of: byte))
        continue
      }
      switch (quote, byte) {
      case (nil, UInt8(ascii: "#")), (nil, UInt8(ascii: "!")):
        end()
        return (tokens, false)
      case (nil, UInt8(ascii: " ")), (nil, UInt8(ascii: "\t")), (nil, 0x0d): end()
      case (_, UInt8(ascii: "\\")):
        isEscaped = true
        source.append(byte)
      case (nil, UInt8(ascii: "\"")), (nil, UInt8(ascii: "'")):
        quote = byte
        source.append(byte)
      case (byte, _):
        quote = nil
        source.append(byte)
      default:
        text.append(byte)
        source.append(byte)
      }
    }
    end()
    return (tokens, quote != nil)
  }

  private static func meaning(of byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): 0x0a
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "r"): 0x0d
    default: byte
    }
  }
}

/// A line of keepalived.conf, with those that a `\` at its end continues.
struct KeepalivedLine {
  /// `@host` or `@^host` at its beginning.
  struct Condition: Hashable {
    let host: String
    let isNegated: Bool

    func applies(to node: String) -> Bool { (host == node) != isNegated }
  }

  var condition: Condition?
  var tokens: [KeepalivedLexer.Token] = []
  /// The words' places in the ledger.
  var places: [Int] = []
  /// Where the condition is in the ledger.
  var conditionPlaces: [Int] = []
  /// The name and the lines of a definition `$NAME=VALUE`.
  var definition: (name: String, value: [[UInt8]])?
}
