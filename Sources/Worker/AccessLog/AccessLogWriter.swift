import Configuration
import Linux
import Synchronization
import Wire

/// Writes the access log on its own thread, so that a slow or full destination never blocks traffic: entries that
/// exceed the queue's limit are dropped and counted.
final class AccessLogWriter: Sendable {
  /// Maximum of queued bytes, about 20,000 lines.
  static let waitingBytesLimit = 4 << 20

  private struct Waiting {
    var batch = AccessLogBatch()
    var dropped: UInt64 = 0
    /// Number of entries in the batch taken last.
    var taken = 0
  }

  private let writer: BackgroundWriter<Waiting>
  /// The destination to switch to before the next write.
  private let nextSink: Mutex<AccessLogSink?>

  /// Opens no destination if `log.access` is disabled.
  init(_ settings: Configuration.Log) throws(SystemError) {
    writer = try BackgroundWriter(Waiting())
    nextSink = Mutex(try AccessLogWriter.sink(of: settings))
    try writer.start(name: "access-log") { self.run() }
  }

  /// Switches to another destination.
  func redirect(to sink: consuming sending AccessLogSink) {
    // A mutex's closure can not consume a captured value: it is passed in a box.
    let box = Mutex<AccessLogSink?>(sink)
    nextSink.withLock { next in next = box.withLock { $0.take() } }
  }

  /// Number of lines dropped since the last call.
  func takeDropped() -> UInt64 {
    writer.access { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
  }

  /// Counts lines that were lost before they were submitted.
  func noteLost(_ count: Int) { writer.access { $0.dropped += UInt64(count) } }

  /// Queues complete entries; called from any loop.
  func submit(_ batch: AccessLogBatch) {
    writer.submit { waiting in
      guard waiting.batch.bytes.count + batch.bytes.count <= AccessLogWriter.waitingBytesLimit else {
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
        // A partially written line remains incomplete in the previous destination.
        if sink?.isInLine == true { noteLost(1) }
        sink = consume next
      }
      // If the destination fails (a closed pipe, a full disk, no daemon), lines are lost, and traffic continues.
      noteLost(sink?.write(batch) ?? batch.ends.count)
    }
  }

  /// Waits until everything is written, at most for `bound`, and returns the number of lines lost since the last
  /// `takeDropped`, including unwritten ones.
  func close(within bound: Interval) -> UInt64 {
    let isWritten = writer.flush(until: Clock.monotonic() + bound)
    return takeDropped() + (isWritten ? 0 : writer.access { UInt64($0.batch.ends.count + $0.taken) })
  }

  /// Opens the file again by its name, for one that was moved away, and returns the name; nil when the log is not a
  /// file. When it throws, lines go on to the file that was open before.
  func reopen(_ settings: Configuration.Log) throws(SystemError) -> String? {
    guard let path = settings.accessFile, let sink = try Self.sink(of: settings) else { return nil }
    redirect(to: sink)
    return path
  }

  /// Opens the configured destination; nil if the access log is disabled.
  static func sink(of settings: Configuration.Log) throws(SystemError) -> AccessLogSink? {
    guard let target = settings.access?.target else { return nil }
    return try AccessLogSink(target, facility: settings.facility)
  }
}

extension Configuration.Log {
  /// The file of the access log, which may be moved away; nil when it goes elsewhere.
  var accessFile: String? {
    if case .file(let path) = access?.target { path } else { nil }
  }
}
