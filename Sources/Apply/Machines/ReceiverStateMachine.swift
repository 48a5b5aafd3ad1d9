import Wire

/// The receiver of a node: takes over what the requester on another node sends, and puts the old files back unless that
/// is confirmed in time. One connection at a time; a change outlives its connection for `resumeTimeout`, since
/// that between the nodes may break and come back.
///
///     idle → collecting → checking → checked → takingOver → unconfirmed → ending → idle
package struct ReceiverStateMachine: Sendable {
  /// What happens.
  package enum Event: Hashable, Sendable {
    case request(ApplyRequest)
    /// The connection has ended, or what it brought is invalid.
    case disconnected
    /// What `perform` has led to.
    case performed(ApplyAnswer)
    case timer
    /// The process is to end.
    case stop
  }

  /// What is to be done.
  package enum Effect: Hashable, Sendable {
    case perform(Work)
    case answer(ApplyAnswer)
    /// There is no change any more: another one may begin.
    case forget
    case disconnect
    /// The process ends.
    case end
  }

  /// What the machine has done. Each is answered by one `performed`.
  package enum Work: Hashable, Sendable {
    /// Answered by `checked` or `refused`. `node`: the name that this node must have in the configuration.
    case check(ApplyProposal, node: String)
    /// Writes what was checked, and reloads. Answered by `tookOver`, or by `refused` with the old files back.
    case takeOver
    /// Answered by `confirmed`.
    case keep
    /// Answered by `restored` or `refused`.
    case putBack
  }

  private enum State: Hashable {
    case idle(until: Instant)
    case collecting(UInt64, node: String, ApplyProposal?, until: Instant)
    case checking(UInt64)
    case checked(UInt64, until: Instant)
    case takingOver(UInt64)
    case unconfirmed(UInt64, ApplyAnswer, until: Instant)
    case ending(UInt64)
    case over
  }

  /// How long it waits for the next request of a change that has not been taken over, and for a connection.
  package static let idleTimeout = Interval.seconds(60)
  /// How long a change stays without a request that confirms it or asks to wait.
  package static let confirmTimeout = Interval.minutes(3)
  /// The same without a connection.
  package static let resumeTimeout = Interval.seconds(30)

  private var state: State
  private var isConnected = false
  private var isStopping = false
  /// The last change that has ended, and how: its requester may not have got the answer.
  private var last: Ended?

  /// Idle.
  package init(at now: Instant) { state = .idle(until: now + Self.idleTimeout) }

  /// When to handle `timer`.
  package var deadline: Instant? {
    switch state {
    case .idle(let until), .collecting(_, _, _, let until), .checked(_, let until), .unconfirmed(_, _, let until):
      until
    case .checking, .takingOver, .ending, .over: nil
    }
  }

  /// Performs one step.
  package mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    switch event {
    case .request(let request):
      isConnected = true
      return handle(request, at: now)
    case .performed(let answer): return finish(answer, at: now)
    case .disconnected:
      isConnected = false
      switch state {
      case .collecting, .checked: return idle(at: now)
      case .unconfirmed(let change, let answer, let until):
        state = .unconfirmed(change, answer, until: min(until, now + Self.resumeTimeout))
      case .idle, .checking, .takingOver, .ending, .over: break
      }
      return []
    case .timer: return deadline.map { $0 <= now } == true ? expire(at: now) : []
    case .stop:
      isStopping = true
      switch state {
      case .idle, .collecting, .checked: return end()
      case .unconfirmed(let change, _, _): return putBack(change)
      case .checking, .takingOver, .ending, .over: return []
      }
    }
  }

  private mutating func handle(_ request: ApplyRequest, at now: Instant) -> [Effect] {
    let next = now + Self.idleTimeout
    switch (request, state) {
    case (.begin(let change, let node), _): return begin(change, node, at: now)
    case (.configuration(let text), .collecting(let change, let node, nil, _)):
      state = .collecting(change, node: node, ApplyProposal(configuration: text), until: next)
      return [.answer(.ready)]
    case (.file(let file), .collecting(let change, let node, var proposal?, _)):
      guard proposal.add(file) else { return refuse("there are too many files, or they are too large", at: now) }
      state = .collecting(change, node: node, proposal, until: next)
      return [.answer(.ready)]
    case (.check, .collecting(let change, let node, let proposal?, _)):
      state = .checking(change)
      return [.perform(.check(proposal, node: node))]
    case (.takeOver, .checked(let change, _)):
      state = .takingOver(change)
      return [.perform(.takeOver)]
    case (.takeOver, .unconfirmed(let change, let answer, _)):
      state = .unconfirmed(change, answer, until: now + Self.confirmTimeout)
      return [.answer(answer)]
    case (.hold, .unconfirmed(let change, let answer, _)):
      state = .unconfirmed(change, answer, until: now + Self.confirmTimeout)
      return [.answer(.ready)]
    case (.hold, .checked(let change, _)):
      state = .checked(change, until: now + Self.confirmTimeout)
      return [.answer(.ready)]
    case (.confirm, .unconfirmed(let change, _, _)):
      state = .ending(change)
      return [.perform(.keep)]
    case (.putBack, .unconfirmed(let change, _, _)): return putBack(change)
    case (.putBack, .collecting), (.putBack, .checked):
      return idle(at: now) + [.answer(.restored)]
    default: return refuse("the request is out of place", at: now)
    }
  }

  private mutating func begin(_ change: UInt64, _ node: String, at now: Instant) -> [Effect] {
    switch state {
    case .unconfirmed(let current, let answer, _) where current == change:
      state = .unconfirmed(change, answer, until: now + Self.confirmTimeout)
      return [.answer(answer)]
    case .unconfirmed:
      return [.answer(.refused(["another change waits for its confirmation"])), .disconnect]
    case .idle, .collecting, .checked:
      if let last, last.change == change { return [.answer(last.answer)] }
      state = .collecting(change, node: node, nil, until: now + Self.idleTimeout)
      return [.answer(.ready)]
    case .checking, .takingOver, .ending, .over: return [.disconnect]
    }
  }

  private mutating func finish(_ answer: ApplyAnswer, at now: Instant) -> [Effect] {
    let effects: [Effect]
    switch (state, answer) {
    case (.checking(let change), .checked) where isConnected:
      state = .checked(change, until: now + Self.confirmTimeout)
      effects = []
    case (.takingOver(let change), .tookOver):
      state = .unconfirmed(change, answer, until: now + (isConnected ? Self.confirmTimeout : Self.resumeTimeout))
      if isStopping { return putBack(change) }
      effects = []
    case (.checking, _): effects = idle(at: now)
    case (.takingOver(let change), _), (.ending(let change), _):
      last = Ended(change: change, answer: answer)
      effects = idle(at: now)
    default: return []
    }
    return effects + (isConnected ? [.answer(answer)] : []) + (isStopping ? end() : [])
  }

  private mutating func expire(at now: Instant) -> [Effect] {
    switch state {
    // A requester that has got its last answer closes the connection.
    case .idle: return isConnected ? idle(at: now) + [.disconnect] : end()
    case .collecting, .checked: return idle(at: now) + (isConnected ? [.disconnect] : [])
    case .unconfirmed(let change, _, _): return putBack(change)
    case .checking, .takingOver, .ending, .over: return []
    }
  }

  private mutating func putBack(_ change: UInt64) -> [Effect] {
    state = .ending(change)
    return [.perform(.putBack)]
  }

  private mutating func refuse(_ reason: String, at now: Instant) -> [Effect] {
    let isDropped =
      switch state {
      case .collecting, .checked: true
      default: false
      }
    return (isDropped ? idle(at: now) : []) + [.answer(.refused([reason]))]
  }

  private mutating func idle(at now: Instant) -> [Effect] {
    state = .idle(until: now + Self.idleTimeout)
    return [.forget]
  }

  private mutating func end() -> [Effect] {
    state = .over
    return [.end]
  }

  private struct Ended {
    let change: UInt64
    let answer: ApplyAnswer
  }
}
