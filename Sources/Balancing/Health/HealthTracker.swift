import Domain
import Wire

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
/// check forward (`CheckSchedule.suspect`). Checks may overlap: a result counts only if no check that began later was
/// answered before.
public struct HealthTracker: Sendable {
  /// Checks passed in a row that make a server up, at least 1.
  public var rise: Int
  /// Checks failed in a row that make a server down, at least 1.
  public var fall: Int
  /// A server that is down and silent for this long is lost. Until then its connections may come to life again: a virtual
  /// machine is frozen for seconds while it is moved or its disks are saved.
  public var lossTime: Interval
  /// What the operator wants of the server, over what its checks say.
  public private(set) var adminState: AdminState.Mode?

  /// What the checks say, and which of them said it; nil before the first.
  private var observed: (state: ServerState, reason: Transition.Reason)?
  /// Results of one kind in a row, since the last of the other.
  private var passed = 0
  private var failed = 0
  /// Checks in a row that got no answer, at most `failed`, and when the first of them began.
  private var unanswered = 0
  private var silentSince = Instant.distantFuture
  /// The last check refused the connection: what ran there is gone.
  private var isGone = false
  /// When the last check began to which the server gave an answer, whatever it was.
  private var answeredSince = Instant(nanoseconds: 0)
  private var hasTakenClients = false
  public private(set) var slowStart = SlowStart()

  /// A server of which nothing is known: down until the first check.
  public init(rise: Int, fall: Int, lossTime: Interval) {
    self.rise = rise
    self.fall = fall
    self.lossTime = lossTime
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

  public private(set) var presence = ServerPresence.present

  /// Results in a row that speak for another state, and how many it takes; nil when the last one confirmed the state.
  public var pending: (count: Int, needed: Int)? {
    if failed > 0 { return observed?.state == .down ? nil : (failed, fall) }
    return passed > 0 && observed?.state != .up ? (passed, rise) : nil
  }

  /// How soon to check again, after the last result.
  public var urgency: CheckSchedule.Urgency {
    switch observed?.state {
    case nil: .doubt
    case .up: failed > 0 ? .doubt : .calm
    case .drain: failed > 0 || passed > 0 ? .doubt : .calm
    case .down, .maintenance:
      passed > 0 || presence == .silent ? .doubt : hasTakenClients ? .down : .starting
    }
  }

  /// Takes the result of a check that began then; answers with the transition when there is one to tell.
  public mutating func record(_ result: CheckResult, began: Instant, at now: Instant) -> Transition? {
    let before = self
    if began < answeredSince { return nil }
    switch result {
    case .passed:
      isWell(began)
      passed += 1
      if observed == nil || passed >= rise { observe(.up, .checksPassed(passed)) }
    case .disabled:
      isWell(began)
      passed = 0
      observe(.drain, .disabled)
    case .failed(let failure):
      passed = 0
      failed += 1
      note(failure, began: began)
      if observed == nil || failed >= fall { observe(.down, .checksFailed(failed, last: failure)) }
      updatePresence(at: now)
      // Worse than what it is down for so far.
      if presence > .present, case .checksFailed(_, let last)? = observed?.reason, last.isAnswer {
        observed = (.down, .checksFailed(unanswered, last: failure))
      }
    case .inconclusive: break
    }
    slowStart.became(state, hasTakenClients: hasTakenClients, at: now)
    return transition(since: before)
  }

  private mutating func isWell(_ began: Instant) {
    answeredSince = began
    failed = 0
    unanswered = 0
    presence = .present
  }

  private mutating func note(_ failure: CheckFailure, began: Instant) {
    isGone = failure == .refused
    guard !failure.isAnswer else {
      answeredSince = began
      return unanswered = 0
    }
    silentSince = unanswered == 0 ? began : min(silentSince, began)
    unanswered += 1
  }

  private mutating func updatePresence(at now: Instant) {
    guard observed?.state == .down, unanswered >= fall else { return presence = .present }
    presence = isGone || now - silentSince >= lossTime ? .lost : max(presence, .silent)
  }

  /// Sets it, or takes it back with nil; answers with the transition when there is one to tell.
  public mutating func set(_ adminState: AdminState.Mode?, at now: Instant) -> Transition? {
    let before = self
    self.adminState = adminState
    slowStart.became(state, hasTakenClients: hasTakenClients, at: now)
    return transition(since: before)
  }

  private mutating func observe(_ state: ServerState, _ reason: Transition.Reason) {
    if observed?.state != state { observed = (state, reason) }
    if state != .down { hasTakenClients = true }
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
