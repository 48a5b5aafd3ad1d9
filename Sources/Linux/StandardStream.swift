import CLinux

/// Text for the person at the terminal.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  package var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Writes the text, waiting for a reader that is slow; gives up when there is none.
  package func write(_ text: String) {
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
