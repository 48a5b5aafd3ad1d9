/// Makes a server's state out of the results of its health checks and what its operator orders.
///
/// | checks say | 200 | 503 | failure |
/// |---|---|---|---|
/// | nothing yet | up | drain | down |
/// | up | up | drain | down after `fall` in a row |
/// | drain | up after `rise` in a row | drain | down after `fall` in a row |
/// | down | up after `rise` in a row | drain | down |
///
/// The first check decides alone, so that a balancer that starts is of use after one good check. 503 takes effect at
/// once, because it is an order and not a symptom. Failures of live traffic do not count here: they bring the next
/// check forward (`CheckSchedule.liveFailure`).
package struct HealthTracker: Sendable {
  /// What the operator wants of a server, over what its checks say.
  package enum Order: Sendable {
    /// Known clients stay, new ones go elsewhere.
    case drain
    /// Nobody.
    case maintenance
  }

  /// Checks passed in a row that make a server up, at least 1.
  package var rise: Int
  /// Checks failed in a row that make a server down, at least 1.
  package var fall: Int
  package private(set) var order: Order?

  /// What the checks say; nil before the first.
  private var observed: ServerState?
  /// Results of one kind in a row, since the last of the other.
  private var passed = 0
  private var failed = 0

  /// A server of which nothing is known: down until the first check.
  package init(rise: Int, fall: Int) {
    self.rise = rise
    self.fall = fall
  }

  /// The state that balancing goes by.
  package var state: ServerState {
    switch (order, observed ?? .down) {
    case (.maintenance, _): .maintenance
    case (.drain, .up): .drain
    case (_, let observed): observed
    }
  }

  /// The last result speaks against the state and more of its kind would change it: check again soon.
  package var isInDoubt: Bool {
    switch observed {
    case nil: true
    case .up: failed > 0
    case .drain: failed > 0 || passed > 0
    case .down, .maintenance: passed > 0
    }
  }

  /// Takes a check's result; answers with the transition when there is one to tell.
  package mutating func record(_ result: CheckResult) -> Transition? {
    let (from, isFirst) = (state, observed == nil)
    let reason: Transition.Reason
    switch result {
    case .passed:
      passed += 1
      failed = 0
      reason = .checksPassed(passed)
      if isFirst || passed >= rise { observed = .up }
    case .disabled:
      passed = 0
      failed = 0
      reason = .disabled
      observed = .drain
    case .failed(let failure):
      passed = 0
      failed += 1
      reason = .checksFailed(failed, last: failure)
      if isFirst || failed >= fall { observed = .down }
    }
    return transition(from: from, isFirst: isFirst, reason: reason)
  }

  /// Gives an order, or takes it back with nil.
  package mutating func give(_ order: Order?) -> Transition? {
    let from = state
    self.order = order
    return transition(from: from, isFirst: false, reason: .ordered)
  }

  private func transition(from: ServerState, isFirst: Bool, reason: Transition.Reason) -> Transition? {
    // What the first check found is told even when it changes nothing, unless an order hides it.
    guard state != from || (isFirst && order == nil) else { return nil }
    return Transition(from: isFirst ? nil : from, to: state, reason: reason)
  }
}
