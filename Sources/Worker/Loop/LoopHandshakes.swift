import Balancing
import Linux
import Wire

/// TLS handshakes: by far the dearest thing that a stranger can ask for, so they have a budget of their own. Clients that
/// are known to be somebody go first in each turn, and no client's address waits for more than one step of another's.
extension Loop {
  /// How long the handshakes of one turn may take, looked at after each step. A step is a signature at most: 0.1 ms with
  /// ECDSA, 0.7 ms with RSA of 2048 bits, 4 ms with 4096. So it is one or two steps a turn, and a request, which passes the
  /// loop twice, waits for no more than that.
  static let handshakeBudget = Interval.microseconds(150)
  /// And how many steps they may be.
  static let handshakesPerTurn = 16

  /// Goes on with handshakes for as long as they may take.
  mutating func runHandshakes(clock: () -> Instant) {
    guard !context.leftovers.handshakes.isEmpty else { return }
    let begin = clock()
    // Half of what the others have had in this turn, if that is more: newcomers get their third of a busy loop.
    let end = begin + max(Loop.handshakeBudget, Interval(nanoseconds: (begin - context.now).nanoseconds / 2))
    for _ in 0..<Loop.handshakesPerTurn {
      guard let key = context.leftovers.handshakes.next() else { return }
      // It may have closed while it waited.
      guard clients.contains(key) else { continue }
      clients[key].isInLine = false
      let wasSilent = clients[key].isSilent
      if clients[key].advance(&context) == .close {
        remove(key)
      } else if wasSilent, clients[key].phase == .handshaking {
        dispensable.handshaking.append(key, among: clients)
      }
      if clock() >= end { return }
    }
  }
}
