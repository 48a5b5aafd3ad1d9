import Balancing
import Linux

/// A loop's pending operations on many connections, in order of arrival.
struct PendingClosings {
  enum Closing {
    /// The worker stops: the client's connection is closed if it is idle.
    case stop(SlabKey)
    /// A server accepts no more clients: the exchange of this client is moved or ends.
    case release(SlabKey, SharedServer, ServerPresence)
  }

  private var waiting: [Closing] = []
  private var first = 0

  var isEmpty: Bool { first == waiting.count }

  mutating func append(_ closing: Closing) { waiting.append(closing) }

  mutating func next() -> Closing? {
    guard first < waiting.count else { return nil }
    defer {
      first += 1
      if first == waiting.count { (waiting, first) = ([], 0) }
    }
    return waiting[first]
  }
}
