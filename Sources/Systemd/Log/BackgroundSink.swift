import Linux
import Wire

/// A queue of entries whose delivery may block: a thread delivers them in order. When the queue is full, entries are
/// dropped and counted.
final class BackgroundSink<Entry: Sendable>: Sendable {
  private struct Waiting {
    var entries: [Entry] = []
    var dropped = 0
  }

  private let capacity: Int
  private let writer: BackgroundWriter<Waiting>

  /// Starts the thread `name`. `deliver` may block; it gets the queued entries, at most `capacity`, and the number of
  /// entries dropped after them.
  init(
    name: String, capacity: Int, deliver: @escaping @Sendable (_ entries: [Entry], _ dropped: Int) -> Void
  ) throws(SystemError) {
    self.capacity = capacity
    writer = try BackgroundWriter(Waiting())
    try writer.start(name: name) { [writer] in
      while true {
        let taken = writer.next { waiting in
          defer { waiting = Waiting() }
          return waiting
        }
        deliver(taken.entries, taken.dropped)
      }
    }
  }

  /// Queues an entry. Never blocks.
  func submit(_ entry: Entry) {
    writer.submit { waiting in
      guard waiting.entries.count < capacity else {
        waiting.dropped += 1
        return false
      }
      waiting.entries.append(entry)
      return true
    }
  }

  /// Waits until everything is delivered, at most for `bound`.
  func flush(within bound: Interval) { writer.flush(until: Clock.monotonic() + bound) }
}
