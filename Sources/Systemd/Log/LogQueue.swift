import Linux
import Wire

/// The way of log entries to their sink.
package final class LogQueue: Sendable {
  /// One message, ready to be written.
  package enum Entry: Sendable {
    /// A line for standard error, its end included.
    case line(String)
    /// An entry's fields for the journal, `NAME=value` each; the line says the same when there is no journal.
    case journal([String], line: String)
  }

  private let sink: BackgroundSink<Entry>

  /// Some minutes of the chattiest level may wait on a stuck sink; then messages are dropped, and how many is told when
  /// there is room again.
  init() throws(SystemError) {
    sink = try BackgroundSink(name: "log", capacity: 4096) { entries, dropped in
      for entry in entries { LogQueue.write(entry) }
      if dropped > 0 { LogQueue.write(.line("belvedere: the log was stuck, \(dropped) messages were dropped\n")) }
    }
  }

  /// Takes an entry. Never waits.
  package func submit(_ entry: Entry) { sink.submit(entry) }

  /// Waits until everything is written, but not longer than `bound`.
  func flush(within bound: Interval) { sink.flush(within: bound) }

  static func write(_ entry: Entry) {
    switch entry {
    case .line(let line): StandardStream.error.write(line)
    case .journal(let fields, let line):
      if !JournalEntry.send(fields) { StandardStream.error.write(line) }
    }
  }
}
