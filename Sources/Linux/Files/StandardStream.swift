import CLinux
import Wire

/// Text for the person at the terminal.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Writes the text, whoever it came from: what a terminal would obey is made visible, line ends and tabs excepted.
  /// Waits for a reader that is slow; gives up when there is none.
  public func write(_ text: String) { write(verbatim: text.escapingControls(except: ["\n", "\t"])) }

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
