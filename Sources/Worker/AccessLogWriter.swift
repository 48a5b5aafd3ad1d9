import Configuration
import Linux
import Synchronization
import Wire

/// Writes the access log on a thread of its own, so that a slow or full sink never stops traffic: what does not fit
/// into the waiting room is dropped, and counted.
final class AccessLogWriter: Sendable {
  /// Bytes that may wait for the sink, some 20,000 lines.
  static let waitingRoom = 4 << 20

  private struct Waiting: ~Copyable {
    var bytes: [UInt8] = []
    var dropped: UInt64 = 0
    var isWriting = false
    /// Where to write from the next time on.
    var nextSink: Descriptor?
  }

  private let waiting: Mutex<Waiting>
  private let wakeup: Wakeup

  /// Nil: nobody wants the log yet.
  init(_ target: Configuration.Log.AccessTarget?) throws(SystemError) {
    wakeup = try Wakeup()
    waiting = Mutex(Waiting(nextSink: try AccessLogWriter.open(target)))
  }

  /// Writes elsewhere from now on. Throws when that can't be opened, and then goes on as before.
  func redirect(to target: Configuration.Log.AccessTarget?) throws(SystemError) {
    guard let sink = try AccessLogWriter.open(target) else { return }
    let number = sink.relinquish()
    waiting.withLock { $0.nextSink = Descriptor(owning: number) }
  }

  /// Lines that were dropped since the last call.
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
    var sink: Descriptor?
    while true {
      wakeup.wait()
      if let next = waiting.withLock({ $0.nextSink.take() }) { sink = consume next }
      let bytes = waiting.withLock { waiting in
        waiting.isWriting = true
        defer { waiting.bytes = [] }
        return waiting.bytes
      }
      let isWritten =
        switch sink {
        case .some(let sink): AccessLogWriter.write(bytes, to: sink)
        case .none: false
        }
      waiting.withLock { waiting in
        // A sink that is gone (a closed pipe, a full disk) loses lines, not traffic.
        if !isWritten { waiting.dropped += UInt64(bytes.count { $0 == UInt8(ascii: "\n") }) }
        waiting.isWriting = false
      }
    }
  }

  /// Waits until everything is written, but not longer than `bound`.
  func close(within bound: Interval) {
    let deadline = Clock.monotonic() + bound
    while waiting.withLock({ !$0.bytes.isEmpty || $0.isWriting }), Clock.monotonic() < deadline {
      Clock.sleep(.milliseconds(5))
    }
  }

  private static func write(_ bytes: [UInt8], to sink: borrowing Descriptor) -> Bool {
    do throws(SystemError) { try File.write(bytes.span, to: sink) } catch { return false }
    return true
  }

  private static func open(_ target: Configuration.Log.AccessTarget?) throws(SystemError) -> Descriptor? {
    switch target {
    case nil: nil
    case .standardOutput: try File.standardOutput()
    case .file(let path): try File.appending(to: path)
    }
  }
}
