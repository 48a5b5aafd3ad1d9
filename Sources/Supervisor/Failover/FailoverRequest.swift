import Control
import Wire

/// A hand-over of the virtual addresses that an operator has asked for: answered when each virtual router's outcome is
/// known, which `RouterSet` sees to within its own bounds. Pure.
struct FailoverRequest {
  typealias Asker = OperatorSocket.Asker

  enum State: Hashable {
    case idle
    /// The outcomes that are not known yet are nil.
    case waiting(asker: Asker, outcomes: [Handover?])
  }

  enum Event: Equatable {
    /// Hand over, and stay away for so long at most. There are so many virtual routers.
    case requested(by: Asker, staysAway: Interval, routers: Int)
    /// What came of one virtual router's part.
    case ended(router: Int, Handover)
  }

  enum Effect: Equatable {
    case failOver(Asker, staysAway: Interval)
    case answer(Asker, [Handover])
    /// Another one is under way.
    case refuse(Asker)
  }

  private(set) var state = State.idle

  mutating func handle(_ event: Event) -> [Effect] {
    switch (state, event) {
    case (.idle, .requested(let asker, let bound, let count)):
      state = .waiting(asker: asker, outcomes: Array(repeating: nil, count: count))
      return [.failOver(asker, staysAway: bound)]
    case (.waiting, .requested(let asker, _, _)):
      return [.refuse(asker)]
    case (.waiting(let asker, var outcomes), .ended(let router, let outcome)):
      outcomes[router] = outcome
      let known = outcomes.compactMap { $0 }
      guard known.count == outcomes.count else {
        state = .waiting(asker: asker, outcomes: outcomes)
        return []
      }
      state = .idle
      return [.answer(asker, known)]
    case (.idle, .ended):
      return []
    }
  }
}
