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
    var batch = AccessLogBatch()
    var dropped: UInt64 = 0
    /// Entries that are being written.
    var writing = 0
    /// Somebody waits until nothing is left.
    var isClosing = false
    /// Where to write from the next time on.
    var nextSink: AccessLogSink?
  }

  private let waiting: Mutex<Waiting>
  private let wakeup: Wakeup
  private let completion: Wakeup

  /// Nobody wants the log yet where its access part is off.
  init(_ settings: Configuration.Log) throws(SystemError) {
    wakeup = try Wakeup()
    completion = try Wakeup()
    waiting = Mutex(Waiting(nextSink: try AccessLogWriter.sink(of: settings)))
  }

  /// Writes elsewhere from now on.
  func redirect(to sink: consuming sending AccessLogSink) {
    // A mutex's body can't consume what it captures: it is handed over in a box.
    let box = Mutex<AccessLogSink?>(sink)
    waiting.withLock { waiting in waiting.nextSink = box.withLock { $0.take() } }
  }

  /// Lines that were dropped since the last call.
  func takeDropped() -> UInt64 {
    waiting.withLock { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
  }

  /// Counts lines that were given up before they came here.
  func noteLost(_ count: Int) { waiting.withLock { $0.dropped += UInt64(count) } }

  /// Takes whole entries, from any loop.
  func submit(_ batch: AccessLogBatch) {
    let wasEmpty = waiting.withLock { waiting in
      guard waiting.batch.bytes.count + batch.bytes.count <= AccessLogWriter.waitingRoom else {
        waiting.dropped += UInt64(batch.ends.count)
        return false
      }
      let wasEmpty = waiting.batch.isEmpty
      waiting.batch.append(batch)
      return wasEmpty
    }
    if wasEmpty { wakeup.signal() }
  }

  /// Writes for ever; the body of its thread.
  func run() {
    var sink: AccessLogSink?
    while true {
      wakeup.wait()
      if let next = waiting.withLock({ $0.nextSink.take() }) {
        // What it has begun stays unfinished where it is.
        if sink?.isInLine == true { noteLost(1) }
        sink = consume next
      }
      let batch = waiting.withLock { waiting in
        waiting.writing = waiting.batch.ends.count
        defer { waiting.batch = AccessLogBatch() }
        return waiting.batch
      }
      // A sink that is gone (a closed pipe, a full disk, no daemon) loses lines, not traffic.
      let lost = sink?.write(batch) ?? batch.ends.count
      let isClosing = waiting.withLock { waiting in
        waiting.dropped += UInt64(lost)
        waiting.writing = 0
        return waiting.isClosing
      }
      if isClosing { completion.signal() }
    }
  }

  /// Waits until everything is written, but not longer than `bound`, and returns how many lines were lost since the last
  /// `takeDropped`, with those that are not written.
  func close(within bound: Interval) -> UInt64 {
    waiting.withLock { $0.isClosing = true }
    completion.wait(until: Clock.monotonic() + bound) {
      waiting.withLock { $0.batch.isEmpty && $0.writing == 0 }
    }
    let left = waiting.withLock { $0.batch.ends.count + $0.writing }
    return takeDropped() + UInt64(left)
  }

  /// Opens what is to be written to; nil where nothing is.
  static func sink(of settings: Configuration.Log) throws(SystemError) -> AccessLogSink? {
    guard let target = settings.access?.target else { return nil }
    return try AccessLogSink(target, facility: settings.facility)
  }
}
