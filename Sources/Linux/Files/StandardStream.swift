import CLinux

/// Text for the person at the terminal.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Writes the text, whoever it came from: what a terminal would obey is made visible, line ends and tabs excepted.
  /// Waits for a reader that is slow; gives up when there is none.
  public func write(_ text: String) { write(verbatim: Self.visible(text)) }

  /// `\u{1b}` for an escape: controls, marks that turn the direction of text, separators that some take for a line's end.
  public static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isObeyed) else { return text }
    return text.unicodeScalars.reduce(into: "") { shown, scalar in
      if isObeyed(scalar) {
        shown += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
  }

  private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar != "\n", scalar != "\t" else { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }

  /// Writes a text of our own that has colours in it.
  public func write(verbatim text: String) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let rest = bytes.span.extracting(written..<bytes.count)
      let count = unsafe rest.withUnsafeBufferPointer { buffer in
        // SAFETY: the kernel reads the span's bytes during the call only.
        retryingInterrupts { unsafe CLinux.write(rawValue, buffer.baseAddress, buffer.count) }
      }
      guard count > 0 else { return }
      written += count
    }
  }
}
