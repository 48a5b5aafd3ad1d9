import Linux
import Synchronization

/// The connections of one life of a server, each with its thread.
final class Crowd: Sendable {
  /// Signalled once, never drained: everybody who waits for a peer waits for this too.
  let stop: Wakeup
  /// Signalled whenever a connection has ended.
  let departure: Wakeup
  private let present = Atomic<Int>(0)

  init() throws(SystemError) {
    stop = try Wakeup()
    departure = try Wakeup()
  }

  /// Connections being served.
  var count: Int { present.load(ordering: .relaxed) }

  func enter() { present.add(1, ordering: .relaxed) }

  func leave() {
    present.subtract(1, ordering: .relaxed)
    departure.signal()
  }
}
