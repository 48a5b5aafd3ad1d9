import Balancing
import Linux

/// What a loop has yet to do for many connections, first come, first served.
struct PendingClosings {
  enum Chore {
    /// The worker stops: a client that waits for nothing ends.
    case stop(SlabKey)
    /// A server takes nobody any more: the client of this connection goes elsewhere or ends.
    case release(SlabKey, SharedServer, ServerPresence)
  }

  private var waiting: [Chore] = []
  private var first = 0

  var isEmpty: Bool { first == waiting.count }

  mutating func append(_ chore: Chore) { waiting.append(chore) }

  mutating func next() -> Chore? {
    guard first < waiting.count else { return nil }
    defer {
      first += 1
      if first == waiting.count { (waiting, first) = ([], 0) }
    }
    return waiting[first]
  }
}
