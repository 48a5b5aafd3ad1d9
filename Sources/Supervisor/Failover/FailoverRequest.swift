import Control
import Wire

/// A hand-over of the virtual addresses that an operator has asked for, or the end of one: answered when each virtual
/// router's outcome is known, which `RouterSet` sees to within its own bounds. Pure.
struct FailoverRequest {
  typealias Requester = OperatorSocket.Requester

  enum State: Hashable {
    case idle
    /// The outcomes that are not known yet are nil.
    case waiting(requester: Requester, outcomes: [Handover?])
  }

  enum Event: Equatable {
    /// Hand over and stay away for so long at most; nil: come back. There are so many virtual routers.
    case requested(by: Requester, staysAway: Interval?, routers: Int)
    /// What came of one virtual router's part.
    case ended(router: Int, Handover)
  }

  enum Effect: Equatable {
    case failOver(Requester, staysAway: Interval?)
    case answer(Requester, [Handover])
    /// Another one is under way.
    case refuse(Requester)
  }

  private(set) var state = State.idle

  mutating func handle(_ event: Event) -> [Effect] {
    switch (state, event) {
    case (.idle, .requested(let requester, let bound, let count)):
      state = .waiting(requester: requester, outcomes: Array(repeating: nil, count: count))
      return [.failOver(requester, staysAway: bound)]
    case (.waiting, .requested(let requester, _, _)):
      return [.refuse(requester)]
    case (.waiting(let requester, var outcomes), .ended(let router, let outcome)):
      outcomes[router] = outcome
      let known = outcomes.compactMap { $0 }
      guard known.count == outcomes.count else {
        state = .waiting(requester: requester, outcomes: outcomes)
        return []
      }
      state = .idle
      return [.answer(requester, known)]
    case (.idle, .ended):
      return []
    }
  }
}
