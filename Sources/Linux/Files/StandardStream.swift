import CLinux
import Wire

/// Text output to a terminal, file or pipe.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Waits until the reader of a pipe or the terminal is gone, at most for so long, and returns whether it is.
  public func hasEnded(within time: Interval) -> Bool {
    var poll = pollfd(fd: rawValue, events: 0, revents: 0)
    // SAFETY: one element, alive during the call.
    return unsafe CLinux.poll(&poll, 1, Int32(clamping: time.milliseconds)) > 0
  }

  /// Writes untrusted text: control characters are made visible, except line ends and tabs. Blocks while the reader is
  /// slow; stops when there is none.
  public func write(_ text: String) { write(verbatim: text.escapingControls(except: ["\n", "\t"])) }

  /// Whether some bytes can be written without waiting for the reader.
  public var hasRoom: Bool {
    var poll = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one element, alive during the call.
    return unsafe CLinux.poll(&poll, 1, 0) > 0
  }

  /// Writes trusted text; false if `interrupt` becomes readable while the reader takes nothing.
  public func write(verbatim text: String, unless interrupt: borrowing Descriptor) -> Bool {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      var polls = [
        pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: interrupt.number, events: Int16(POLLIN), revents: 0),
      ]
      // SAFETY: two elements, alive during the call.
      guard unsafe CLinux.poll(&polls, 2, -1) > 0 else { continue }
      guard polls[0].revents != 0 else { return false }
      // A pipe with room takes so many at once.
      let count = write(bytes.span.extracting(written..<min(bytes.count, written + Self.pieceSize)))
      guard count > 0 else { return true }
      written += count
    }
    return true
  }

  /// PIPE_BUF.
  private static let pieceSize = 4096

  /// Writes trusted text, with its colour sequences.
  public func write(verbatim text: String) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = write(bytes.span.extracting(written..<bytes.count))
      guard count > 0 else { return }
      written += count
    }
  }

  private func write(_ bytes: Span<UInt8>) -> Int {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      // SAFETY: the kernel reads the span's bytes during the call only.
      retryingInterrupts { unsafe CLinux.write(rawValue, buffer.baseAddress, buffer.count) }
    }
  }
}
