import Linux
import Wire

/// Entries on their way to where taking them may be slow or stuck: a thread of its own delivers them in order. What finds
/// no room is dropped and counted.
final class BackgroundSink<Entry: Sendable>: Sendable {
  private struct Waiting {
    var entries: [Entry] = []
    var dropped = 0
  }

  private let capacity: Int
  private let writer: BackgroundWriter<Waiting>

  /// Starts the thread `name`. `deliver` may wait; it gets what has gathered, at most `capacity` entries, and how many
  /// were dropped after them.
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

  /// Takes an entry. Never waits.
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

  /// Waits until everything is delivered, but not longer than `bound`.
  func flush(within bound: Interval) { writer.flush(until: Clock.monotonic() + bound) }
}
