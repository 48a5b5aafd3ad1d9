import CSystemd
import Linux
import Synchronization
import Wire

/// Log entries on their way to a sink that may be slow or stuck: a thread of its own writes them, so that whoever logs
/// never waits. What finds no room is dropped, counted, and told when there is room again.
package final class LogQueue: Sendable {
  /// One message, ready to be written.
  package enum Entry: Sendable {
    /// A line for standard error, its end included.
    case line(String)
    /// An entry's fields for the journal, `NAME=value` each; the line says the same when there is no journal.
    case journal([String], line: String)
  }

  /// Entries that may wait: some minutes of the chattiest level on a stuck sink.
  static let capacity = 4096

  private struct Waiting {
    var entries: [Entry] = []
    var dropped = 0
    var isWriting = false
  }

  private let waiting = Mutex(Waiting())
  private let wakeup: Wakeup

  /// Starts the writing thread.
  init() throws(SystemError) {
    wakeup = try Wakeup()
    try Thread(name: "log") { self.run() }.detach()
  }

  /// Takes an entry. Never waits.
  package func submit(_ entry: Entry) {
    let isFirst = waiting.withLock { waiting in
      guard waiting.entries.count < LogQueue.capacity else {
        waiting.dropped += 1
        return false
      }
      waiting.entries.append(entry)
      return waiting.entries.count == 1
    }
    if isFirst { wakeup.signal() }
  }

  /// Waits until everything is written, but not longer than `bound`.
  func flush(within bound: Interval) {
    let deadline = Clock.monotonic() + bound
    while waiting.withLock({ !$0.entries.isEmpty || $0.isWriting }), Clock.monotonic() < deadline {
      Clock.sleep(.milliseconds(2))
    }
  }

  private func run() {
    while true {
      wakeup.wait()
      let (entries, dropped) = waiting.withLock { waiting in
        defer { waiting = Waiting(isWriting: true) }
        return (waiting.entries, waiting.dropped)
      }
      for entry in entries { LogQueue.write(entry) }
      if dropped > 0 { LogQueue.write(.line("belvedere: the log was stuck, \(dropped) messages were dropped\n")) }
      waiting.withLock { $0.isWriting = false }
    }
  }

  static func write(_ entry: Entry) {
    switch entry {
    case .line(let line): StandardStream.error.write(line)
    case .journal(let fields, let line):
      if !send(fields) { StandardStream.error.write(line) }
    }
  }

  /// False when the journal does not take it.
  private static func send(_ fields: [String]) -> Bool {
    let lengths = fields.map(\.utf8.count)
    // Length-counted, so that a value may hold anything. One buffer holds them all, one behind the other.
    let bytes = fields.flatMap(\.utf8)
    // SAFETY: every pointer lies inside `bytes`, which outlives the call; pointer and length belong together.
    let result = unsafe bytes.withUnsafeBytes { buffer in
      guard let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return Int32(0) }
      var offset = 0
      var pointers: [UnsafePointer<CChar>?] = unsafe []
      for length in lengths {
        unsafe pointers.append(base + offset)
        offset += length
      }
      return unsafe cs_journal_send(pointers, lengths, Int32(lengths.count))
    }
    return result >= 0
  }
}
