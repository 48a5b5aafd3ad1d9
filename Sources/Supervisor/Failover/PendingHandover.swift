import Control
import VRRP

/// A hand-over that was ordered: who is told, and what is known of each virtual router.
struct PendingHandover {
  let asker: OperatorSocket.Asker
  private(set) var outcomes: [Handover?]

  init(_ asker: OperatorSocket.Asker, routers: Int) {
    self.asker = asker
    outcomes = Array(repeating: nil, count: routers)
  }

  mutating func note(_ outcome: Handover, of router: Int) { outcomes[router] = outcome }

  /// All of them, once they are known.
  var complete: [Handover]? {
    let known = outcomes.compactMap { $0 }
    return known.count == outcomes.count ? known : nil
  }
}
