import Linux
import Synchronization

/// The connections of a server between a start and a kill, each with its thread.
final class Crowd: Sendable {
  /// Signalled once, never drained: every wait for a peer also waits for it.
  let stop: Wakeup
  /// Signalled when a connection has ended.
  let departure: Wakeup
  private let present = Atomic<Int>(0)

  init() throws(SystemError) {
    stop = try Wakeup()
    departure = try Wakeup()
  }

  /// The number of connections.
  var count: Int { present.load(ordering: .relaxed) }

  func enter() { present.add(1, ordering: .relaxed) }

  func leave() {
    present.subtract(1, ordering: .relaxed)
    departure.signal()
  }
}
