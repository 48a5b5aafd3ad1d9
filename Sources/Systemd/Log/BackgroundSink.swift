import Linux
import Synchronization
import Wire

/// Entries on their way to where taking them may be slow or stuck: a thread of its own delivers them in order, so that
/// whoever submits never waits. What finds no room is dropped and counted.
final class BackgroundSink<Entry: Sendable>: Sendable {
  private struct Waiting {
    var entries: [Entry] = []
    var dropped = 0
    var isDelivering = false
  }

  private let capacity: Int
  private let waiting = Mutex(Waiting())
  private let wakeup: Wakeup
  private let delivery: Wakeup

  /// Starts the thread `name`. `deliver` may wait; it gets what has gathered, at most `capacity` entries, and how many
  /// were dropped after them.
  init(
    name: String, capacity: Int, deliver: @escaping @Sendable (_ entries: [Entry], _ dropped: Int) -> Void
  ) throws(SystemError) {
    self.capacity = capacity
    wakeup = try Wakeup()
    delivery = try Wakeup()
    try Thread(name: name) { self.run(deliver) }.detach()
  }

  /// Takes an entry. Never waits.
  func submit(_ entry: Entry) {
    let isFirst = waiting.withLock { waiting in
      guard waiting.entries.count < capacity else {
        waiting.dropped += 1
        return false
      }
      waiting.entries.append(entry)
      return waiting.entries.count == 1
    }
    if isFirst { wakeup.signal() }
  }

  /// Waits until everything is delivered, but not longer than `bound`.
  func flush(within bound: Interval) {
    delivery.wait(until: Clock.monotonic() + bound) {
      waiting.withLock { $0.entries.isEmpty && !$0.isDelivering }
    }
  }

  private func run(_ deliver: ([Entry], Int) -> Void) {
    while true {
      wakeup.wait()
      let (entries, dropped) = waiting.withLock { waiting in
        defer { waiting = Waiting(isDelivering: true) }
        return (waiting.entries, waiting.dropped)
      }
      deliver(entries, dropped)
      waiting.withLock { $0.isDelivering = false }
      delivery.signal()
    }
  }
}
