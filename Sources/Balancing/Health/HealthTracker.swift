/// Makes a server's state out of the results of its health checks and its administrative state.
///
/// | checks say | 200 | 503 | failure |
/// |---|---|---|---|
/// | nothing yet | up | drain | down |
/// | up | up | drain | down after `fall` in a row |
/// | drain | up after `rise` in a row | drain | down after `fall` in a row |
/// | down | up after `rise` in a row | drain | down |
///
/// A check that could not be made counts neither way.
///
/// The first check decides alone, so that a balancer that starts is of use after one good check. 503 takes effect at
/// once, because an administrator asked for it. Failures of live traffic do not count here: they bring the next
/// check forward (`CheckSchedule.liveFailure`).
public struct HealthTracker: Sendable {
  /// What the operator wants of a server, over what its checks say.
  public enum AdminState: Sendable {
    /// Known clients stay, new ones go elsewhere.
    case drain
    /// Nobody.
    case maintenance
  }

  /// Checks passed in a row that make a server up, at least 1.
  public var rise: Int
  /// Checks failed in a row that make a server down, at least 1.
  public var fall: Int
  public private(set) var adminState: AdminState?

  /// What the checks say, and which of them said it; nil before the first.
  private var observed: (state: ServerState, reason: Transition.Reason)?
  /// Results of one kind in a row, since the last of the other.
  private var passed = 0
  private var failed = 0
  /// Checks in a row that got no answer, at most `failed`.
  private var unanswered = 0

  /// A server of which nothing is known: down until the first check.
  public init(rise: Int, fall: Int) {
    self.rise = rise
    self.fall = fall
  }

  /// The state that balancing goes by.
  public var state: ServerState {
    switch (adminState, observed?.state ?? .down) {
    case (.maintenance, _): .maintenance
    case (.drain, .up): .drain
    case (_, let observed): observed
    }
  }

  /// Why it is in this state.
  public var reason: Transition.Reason { isAdministrative ? .administrative : observed?.reason ?? .unchecked }

  /// The state is known: a check was concluded, or none is needed to know it.
  public var isKnown: Bool { observed != nil || adminState == .maintenance }

  /// Down, and for `fall` checks in a row without an answer: who is on it hangs.
  public var isSilent: Bool { observed?.state == .down && unanswered >= fall }

  /// The last result speaks against the state and more of its kind would change it: check again soon.
  public var isInDoubt: Bool {
    switch observed?.state {
    case nil: true
    case .up: failed > 0
    case .drain: failed > 0 || passed > 0
    case .down, .maintenance: passed > 0
    }
  }

  /// Takes a check's result; answers with the transition when there is one to tell.
  public mutating func record(_ result: CheckResult) -> Transition? {
    let before = self
    switch result {
    case .passed:
      passed += 1
      failed = 0
      unanswered = 0
      if observed == nil || passed >= rise { observe(.up, .checksPassed(passed)) }
    case .disabled:
      passed = 0
      failed = 0
      unanswered = 0
      observe(.drain, .disabled)
    case .failed(let failure):
      passed = 0
      failed += 1
      unanswered = failure.isAnswer ? 0 : unanswered + 1
      if observed == nil || failed >= fall { observe(.down, .checksFailed(failed, last: failure)) }
      // Worse than what it is down for so far.
      if isSilent, case .checksFailed(_, let last)? = observed?.reason, last.isAnswer {
        observed = (.down, .checksFailed(unanswered, last: failure))
      }
    case .inconclusive:
      break
    }
    return transition(since: before)
  }

  /// Sets it, or takes it back with nil; answers with the transition when there is one to tell.
  public mutating func set(_ adminState: AdminState?) -> Transition? {
    let before = self
    self.adminState = adminState
    return transition(since: before)
  }

  private mutating func observe(_ state: ServerState, _ reason: Transition.Reason) {
    if observed?.state != state { observed = (state, reason) }
  }

  /// The state is not what the checks say.
  private var isAdministrative: Bool { adminState == .maintenance || adminState == .drain && observed?.state == .up }

  /// What became known of the state, or changed in it, or is now for another cause.
  private func transition(since before: HealthTracker) -> Transition? {
    let isWorse = state == .down && before.isKnown && reason != before.reason
    guard state != before.state || isAdministrative != before.isAdministrative || isKnown && !before.isKnown || isWorse
    else { return nil }
    return Transition(from: before.isKnown ? before.state : nil, to: state, reason: reason)
  }
}
