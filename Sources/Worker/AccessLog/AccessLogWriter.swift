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
    var batch = AccessLogBatch()
    var dropped: UInt64 = 0
    /// Entries that were taken last.
    var taken = 0
  }

  private let writer: BackgroundWriter<Waiting>
  /// Where to write from the next time on.
  private let nextSink: Mutex<AccessLogSink?>

  /// Nobody wants the log yet where its access part is off.
  init(_ settings: Configuration.Log) throws(SystemError) {
    writer = try BackgroundWriter(Waiting())
    nextSink = Mutex(try AccessLogWriter.sink(of: settings))
    try writer.start(name: "access-log") { self.run() }
  }

  /// Writes elsewhere from now on.
  func redirect(to sink: consuming sending AccessLogSink) {
    // A mutex's body can't consume what it captures: it is handed over in a box.
    let box = Mutex<AccessLogSink?>(sink)
    nextSink.withLock { next in next = box.withLock { $0.take() } }
  }

  /// Lines that were dropped since the last call.
  func takeDropped() -> UInt64 {
    writer.access { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
  }

  /// Counts lines that were given up before they came here.
  func noteLost(_ count: Int) { writer.access { $0.dropped += UInt64(count) } }

  /// Takes whole entries, from any loop.
  func submit(_ batch: AccessLogBatch) {
    writer.submit { waiting in
      guard waiting.batch.bytes.count + batch.bytes.count <= AccessLogWriter.waitingRoom else {
        waiting.dropped += UInt64(batch.ends.count)
        return false
      }
      waiting.batch.append(batch)
      return true
    }
  }

  private func run() {
    var sink: AccessLogSink?
    while true {
      let batch = writer.next { waiting in
        waiting.taken = waiting.batch.ends.count
        defer { waiting.batch = AccessLogBatch() }
        return waiting.batch
      }
      if let next = nextSink.withLock({ $0.take() }) {
        // What it has begun stays unfinished where it is.
        if sink?.isInLine == true { noteLost(1) }
        sink = consume next
      }
      // A sink that is gone (a closed pipe, a full disk, no daemon) loses lines, not traffic.
      noteLost(sink?.write(batch) ?? batch.ends.count)
    }
  }

  /// Waits until everything is written, but not longer than `bound`, and returns how many lines were lost since the last
  /// `takeDropped`, with those that are not written.
  func close(within bound: Interval) -> UInt64 {
    let isWritten = writer.flush(until: Clock.monotonic() + bound)
    return takeDropped() + (isWritten ? 0 : writer.access { UInt64($0.batch.ends.count + $0.taken) })
  }

  /// Opens what is to be written to; nil where nothing is.
  static func sink(of settings: Configuration.Log) throws(SystemError) -> AccessLogSink? {
    guard let target = settings.access?.target else { return nil }
    return try AccessLogSink(target, facility: settings.facility)
  }
}
