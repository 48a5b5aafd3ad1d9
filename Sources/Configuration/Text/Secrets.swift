import Wire

/// Texts of a configuration that must not be in a bug report.
package struct Secrets {
  /// What stands in place of a secret.
  package static let replacement = "[removed]"

  /// As messages and JSON may have them; the longest first, since one may contain another.
  private var forms: [[UInt8]] = []
  /// Whether there were more than can be looked for in a reasonable time.
  private(set) var isIncomplete = false

  /// Shorter ones, and numbers, are found in ordinary words: they are replaced where a message quotes them.
  private static let shortest = 6
  /// Messages cut long quotes. From this length on, a secret's beginning is replaced for as far as it goes.
  private static let shortestBeginning = 16
  /// A configuration has a few; another file given by mistake has one in each line.
  private static let limit = 400

  package init() {}

  mutating func add(_ secret: String) {
    guard forms.count < Self.limit else {
      isIncomplete = true
      return
    }
    let isWord = secret.utf8.count >= Self.shortest && Double(secret) == nil
    let escaped = secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    for text in [secret, secret.replacing("\n", with: " "), secret.escapingControls(), escaped.escapingControls()] {
      let form = Array((isWord ? text : "`\(text)`").utf8)
      if !text.isEmpty, !forms.contains(form) { forms.append(form) }
    }
    forms.sort { $0.count > $1.count }
  }

  /// The text without them.
  package func removed(from text: String) -> String {
    var bytes = Array(text.utf8)
    for form in forms { bytes = Self.removing(form, from: bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text without what messages quote of a wrong key or value.
  package static func withoutQuotes(_ text: String) -> String {
    text.replacing(#/(unknown key|found) `[^`\n]*`/#) { "\($0.output.1) `\(replacement)`" }
  }

  private static func removing(_ secret: [UInt8], from bytes: [UInt8]) -> [UInt8] {
    let least = min(secret.count, shortestBeginning)
    guard bytes.count >= least else { return bytes }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      var length = 0
      while length < secret.count, place + length < bytes.count, bytes[place + length] == secret[length] { length += 1 }
      if length >= least {
        kept += replacement.utf8
        place += length
      } else {
        kept.append(bytes[place])
        place += 1
      }
    }
    return kept
  }
}
