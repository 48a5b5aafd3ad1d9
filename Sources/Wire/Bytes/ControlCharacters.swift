extension Unicode.Scalar {
  /// C0, DEL and C1, the two scalars that some viewers treat as line breaks, and marks that change the direction of
  /// text.
  public var isControl: Bool {
    if isASCII { return value < 0x20 || value == 0x7f }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }
}

private let shortEscapes: [Unicode.Scalar: String] = ["\n": "\\n", "\r": "\\r", "\t": "\\t"]

extension String {
  /// The text with `\u{1b}` in place of an escape, `\n` in place of a line break, and the like for every other control
  /// character except those in `kept`.
  public func escapingControls(except kept: Set<Unicode.Scalar> = []) -> String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.isControl, !kept.contains(scalar) {
        text += shortEscapes[scalar] ?? "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}
