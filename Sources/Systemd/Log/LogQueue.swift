import Linux
import Wire

/// The queue of log entries.
package final class LogQueue: Sendable {
  /// One message in its output form.
  package enum Entry: Sendable {
    /// A line for standard error, including its line end.
    case line(String)
    /// An entry's fields for the journal, `NAME=value` each; the line is the alternative when there is no journal.
    case journal([String], line: String)
  }

  private let sink: BackgroundSink<Entry>

  /// Holds some minutes of the most verbose level while the output blocks; then messages are dropped, and their number
  /// is logged when there is room again.
  init() throws(SystemError) {
    sink = try BackgroundSink(name: "log", capacity: 4096) { entries, dropped in
      for entry in entries { LogQueue.write(entry) }
      if dropped > 0 { LogQueue.write(.line("belvedere: the log was stuck, \(dropped) messages were dropped\n")) }
    }
  }

  /// Queues an entry. Never blocks.
  package func submit(_ entry: Entry) { sink.submit(entry) }

  /// Waits until everything is written, at most for `bound`.
  func flush(within bound: Interval) { sink.flush(within: bound) }

  static func write(_ entry: Entry) {
    switch entry {
    case .line(let line): StandardStream.error.write(line)
    case .journal(let fields, let line):
      if !JournalEntry.send(fields) { StandardStream.error.write(line) }
    }
  }
}
