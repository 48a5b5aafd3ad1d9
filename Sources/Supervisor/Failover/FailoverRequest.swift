import Control
import Wire

/// An operator's failover or failback request: answered when the outcome of each virtual router is known, which
/// `RouterSet` reports within its own time limits. Pure.
struct FailoverRequest {
  typealias Requester = OperatorSocket.Requester

  enum State: Hashable {
    case idle
    /// Nil for each outcome that is not known yet.
    case waiting(requester: Requester, outcomes: [Handover?])
  }

  enum Event: Equatable {
    /// Fail over and stay withdrawn for at most this long; nil: fail back. `routers` is the number of virtual routers.
    case requested(by: Requester, staysAway: Interval?, routers: Int)
    /// The outcome of one virtual router.
    case ended(router: Int, Handover)
  }

  enum Effect: Equatable {
    case failOver(Requester, staysAway: Interval?)
    case answer(Requester, [Handover])
    /// Another request is in progress.
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
