/// `belvedere apply` over all nodes: every node checks, then one after the other takes over, the Active last. Any
/// failure puts all back, in reverse order. One effect at a time, each answered by one event.
///
///     checking → takingOver ⇄ probing, holding → confirming → over
///                     └────────┴─→ puttingBack → over
package struct RequesterStateMachine: Sendable {
  /// What happens.
  package enum Event: Hashable, Sendable {
    case start
    case answer(ApplyAnswer)
    /// There is no answer, for this reason.
    case lost(String)
    /// The node's own listeners were asked; nil: it serves, otherwise why not.
    case probed(failure: String?)
  }

  /// What is to be done.
  package enum Effect: Hashable, Sendable {
    /// Send the node, by its index, all files and have it check them.
    case check(Int)
    case ask(Int, ApplyRequest)
    /// Ask the node's own listeners as a client does.
    case probe(Int)
    case finish(Outcome)
  }

  /// Why a node did not do what it was asked.
  package struct Failure: Hashable, Sendable {
    /// Its index.
    package let node: Int
    package let reasons: [String]
  }

  /// How it has ended.
  package enum Outcome: Hashable, Sendable {
    /// All can use it. Nothing was changed.
    case checked
    /// Nothing was changed.
    case refused([Failure])
    /// All serve with it.
    case applied
    /// The old files are in use again, but at the nodes in `unrestored`.
    case failed(Failure, unrestored: [Failure])
    /// All serve with it, but these did not answer the confirmation, and may put the old files back.
    case unconfirmed([Failure])
  }

  private enum State: Hashable {
    case checking(Int, failures: [Failure])
    /// A position in `order`.
    case takingOver(Int)
    case probing(Int)
    /// Before the node at the second position takes over, all are asked to wait, now that at the first.
    case holding(Int, before: Int)
    case confirming(Int, failures: [Failure])
    case puttingBack(Int, Failure, unrestored: [Failure])
    case over
  }

  /// The nodes, by their index; the own one is the last.
  private let count: Int
  private let isTrial: Bool
  private var state = State.checking(0, failures: [])
  private var active: Set<Int> = []
  /// In which the nodes take over: the Active last, and of others the own one last.
  private var order: [Int] = []
  private var isInterrupted = false

  /// `isTrial`: nothing is to be changed.
  package init(nodes count: Int, isTrial: Bool) {
    precondition(count > 0)
    self.count = count
    self.isTrial = isTrial
  }

  /// Stop at the next step, and put all back. It has no effect on a change that is being confirmed.
  package mutating func interrupt() { isInterrupted = true }

  /// Performs one step.
  package mutating func handle(_ event: Event) -> Effect {
    switch state {
    case .checking(let node, let failures): return handleCheck(event, node, failures)
    case .takingOver(let position):
      switch event {
      case .answer(.tookOver): return move(to: .probing(position), .probe(order[position]))
      // It has put the old files back itself.
      case .answer(.refused(let reasons)): return putBack(from: position - 1, because: failure(position, reasons))
      default: return putBack(from: position, because: failure(position, event.reasons))
      }
    case .probing(let position):
      if case .probed(failure: nil) = event { return hold(0, before: position + 1) }
      return putBack(from: position, because: failure(position, event.reasons))
    case .holding(let position, let next):
      if event == .answer(.ready) { return hold(position + 1, before: next) }
      return putBack(from: next - 1, because: failure(position, event.reasons))
    case .confirming(let position, let failures):
      let isConfirmed = event == .answer(.confirmed)
      return confirm(position + 1, failures + (isConfirmed ? [] : [failure(position, event.reasons)]))
    case .puttingBack(let position, let cause, let unrestored):
      let isRestored = event == .answer(.restored)
      return putBack(
        from: position - 1, because: cause, unrestored + (isRestored ? [] : [failure(position, event.reasons)]))
    case .over: preconditionFailure("a step after the end")
    }
  }

  private mutating func handleCheck(_ event: Event, _ node: Int, _ failures: [Failure]) -> Effect {
    if event == .start { return move(to: .checking(0, failures: []), .check(0)) }
    var failures = failures
    if case .answer(.checked(let isActive, _)) = event {
      if isActive { active.insert(node) }
    } else {
      failures.append(Failure(node: node, reasons: event.reasons))
    }
    if node + 1 < count { return move(to: .checking(node + 1, failures: failures), .check(node + 1)) }
    guard failures.isEmpty else { return move(to: .over, .finish(.refused(failures))) }
    guard !isTrial else { return move(to: .over, .finish(.checked)) }
    order = (0..<count).filter { !active.contains($0) } + (0..<count).filter(active.contains)
    return takeOver(0)
  }

  private mutating func takeOver(_ position: Int) -> Effect {
    if isInterrupted { return putBack(from: position - 1, because: failure(position, ["interrupted"])) }
    return move(to: .takingOver(position), .ask(order[position], .takeOver))
  }

  /// Asks all nodes from a position on to wait longer; then the next node takes over. All confirm after the last one.
  private mutating func hold(_ position: Int, before next: Int) -> Effect {
    guard next < count else {
      if isInterrupted { return putBack(from: next - 1, because: failure(next - 1, ["interrupted"])) }
      return confirm(0, [])
    }
    guard position < count else { return takeOver(next) }
    return move(to: .holding(position, before: next), .ask(order[position], .hold))
  }

  private mutating func confirm(_ position: Int, _ failures: [Failure]) -> Effect {
    guard position < count else {
      return move(to: .over, .finish(failures.isEmpty ? .applied : .unconfirmed(failures)))
    }
    return move(to: .confirming(position, failures: failures), .ask(order[position], .confirm))
  }

  private mutating func putBack(
    from position: Int, because cause: Failure, _ unrestored: [Failure] = []
  ) -> Effect {
    guard position >= 0 else { return move(to: .over, .finish(.failed(cause, unrestored: unrestored))) }
    return move(
      to: .puttingBack(position, cause, unrestored: unrestored), .ask(order[position], .putBack))
  }

  private mutating func move(to state: State, _ effect: Effect) -> Effect {
    self.state = state
    return effect
  }

  private func failure(_ position: Int, _ reasons: [String]) -> Failure {
    Failure(node: order[position], reasons: reasons)
  }
}

extension RequesterStateMachine.Event {
  /// Why it is not what was asked for.
  fileprivate var reasons: [String] {
    switch self {
    case .answer(.refused(let reasons)): reasons
    case .lost(let reason): [reason]
    case .probed(let failure?): [failure]
    case .answer(.restored): ["it has put the old files back already"]
    case .answer, .start, .probed: ["it gave an answer to another request"]
    }
  }
}
