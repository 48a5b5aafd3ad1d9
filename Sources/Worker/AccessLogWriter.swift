import Configuration
import Linux
import Synchronization
import Wire

/// Writes the access log on a thread of its own, so that a slow or full sink never stops traffic: what does not fit
/// into the waiting room is dropped, and counted.
final class AccessLogWriter: Sendable {
  /// Bytes that may wait for the sink, some 20,000 lines.
  static let waitingRoom = 4 << 20

  private struct Waiting {
    var bytes: [UInt8] = []
    var dropped: UInt64 = 0
    var isWriting = false
  }

  private let waiting = Mutex(Waiting())
  private let wakeup: Wakeup
  private let sink: Descriptor

  init(sink: consuming Descriptor) throws(SystemError) {
    wakeup = try Wakeup()
    self.sink = sink
  }

  /// Lines that found no room since the last call.
  func takeDropped() -> UInt64 {
    waiting.withLock { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
  }

  /// Takes whole lines, from any loop.
  func submit(_ bytes: [UInt8], lines: Int) {
    let wasEmpty = waiting.withLock { waiting in
      guard waiting.bytes.count + bytes.count <= AccessLogWriter.waitingRoom else {
        waiting.dropped += UInt64(lines)
        return false
      }
      let wasEmpty = waiting.bytes.isEmpty
      waiting.bytes.append(contentsOf: bytes)
      return wasEmpty
    }
    if wasEmpty { wakeup.signal() }
  }

  /// Writes for ever; the body of its thread.
  func run() {
    while true {
      wakeup.wait()
      let bytes = waiting.withLock { waiting in
        waiting.isWriting = true
        defer { waiting.bytes = [] }
        return waiting.bytes
      }
      do throws(SystemError) {
        try File.write(bytes.span, to: sink)
      } catch {
        // A sink that is gone (a closed pipe, a full disk) loses lines, not traffic.
        waiting.withLock { $0.dropped += UInt64(bytes.count { $0 == UInt8(ascii: "\n") }) }
      }
      waiting.withLock { $0.isWriting = false }
    }
  }

  /// Waits until everything is written, but not longer than `bound`.
  func close(within bound: Interval) {
    let deadline = Clock.monotonic() + bound
    while waiting.withLock({ !$0.bytes.isEmpty || $0.isWriting }), Clock.monotonic() < deadline {
      Clock.sleep(.milliseconds(5))
    }
  }

  /// Where lines go.
  static func open(_ target: Configuration.Log.AccessTarget) throws(SystemError) -> Descriptor {
    switch target {
    case .standardOutput: try File.standardOutput()
    case .file(let path): try File.appending(to: path)
    }
  }
}
