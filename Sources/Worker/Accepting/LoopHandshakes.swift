import Balancing
import Linux
import Wire

/// TLS handshakes. They are by far the most expensive operation that unknown clients can cause, so their time in a turn is
/// limited. In each turn, established clients are served first, and the steps of handshakes alternate between
/// client addresses.
extension Loop {
  /// The least time in a turn for the steps of handshakes, and as much for those of health checks, which are handshakes
  /// above all. Checked after each step. A step is at most one signature: 0.1 ms
  /// with ECDSA, 0.7 ms with RSA of 2048 bits, 4 ms with 4096. So there are one or two steps per turn, and a request,
  /// which takes two turns of the loop, waits no longer than that.
  static let leastStepTime = Interval.microseconds(150)
  /// Maximum of steps per turn.
  static let handshakesPerTurn = 16

  /// The time for either in a turn that has taken `elapsed` for everything before it: half of that, if it is more than the
  /// least. So handshakes get a third of a busy loop's time.
  static func stepTime(after elapsed: Interval) -> Interval {
    max(leastStepTime, Interval(nanoseconds: elapsed.nanoseconds / 2))
  }

  /// Continues handshakes within the limits.
  mutating func runHandshakes(clock: () -> Instant) {
    guard !context.leftovers.handshakes.isEmpty else { return }
    let begin = clock()
    let end = begin + Loop.stepTime(after: begin - context.now)
    for _ in 0..<Loop.handshakesPerTurn {
      guard let key = context.leftovers.handshakes.next() else { return }
      // It may have closed while it waited.
      guard clients.contains(key) else { continue }
      clients[key].isInLine = false
      let wasSilent = clients[key].isSilent
      if clients[key].advance(&context) == .close {
        remove(key)
      } else if wasSilent, !clients[key].isSilent, clients[key].isEvictable(as: .unfinished) {
        evictable.handshaking.append(key, among: clients)
      }
      if clock() >= end { return }
    }
  }
}
