import Domain
import Wire

/// Derives a server's state from the results of its health checks and from its administrative state.
///
///  checked state | 200 | 503 | failure |
/// |---|---|---|---|
///  none yet | up | drain | down |
/// | up | up | drain | down after `fall` in a row |
/// | drain | up after `rise` in a row | drain | down after `fall` in a row |
/// | down | up after `rise` in a row | drain | down |
///
/// An inconclusive check counts neither way.
///
/// The first check alone determines the state, so that a starting service is usable after one successful check. 503
/// takes effect at once, because an administrator has requested it. Failures of live traffic do not count here: they
/// trigger the next check (`CheckSchedule.suspect`). Checks may overlap: a result is ignored when a check that started
/// later was answered already.
public struct HealthTracker: Sendable {
  /// Consecutive passed checks until a server is up, at least 1.
  public var rise: Int
  /// Consecutive failed checks until a server is down, at least 1.
  public var fall: Int
  /// A server that is down and does not answer for this long is lost. Until then its connections may recover: a virtual
  /// machine is frozen for seconds during a migration or snapshot.
  public var lossTime: Interval
  /// The administrative state, which takes precedence over the checks.
  public private(set) var adminState: AdminState.Mode?

  /// The checked state and its reason; nil before the first check.
  private var observed: (state: ServerState, reason: Transition.Reason)?
  /// Consecutive results of one kind.
  private var passed = 0
  private var failed = 0
  /// Consecutive unanswered checks, at most `failed`, and when the first of them started.
  private var unanswered = 0
  private var silentSince = Instant.distantFuture
  /// The last check was refused: the server's process has ended.
  private var isGone = false
  /// When the latest answered check started, whatever its result. Results of checks that started earlier are ignored.
  public private(set) var answeredSince = Instant(nanoseconds: 0)
  private var hasTakenClients = false
  public private(set) var slowStart = SlowStart()

  /// The state is unknown: down until the first check.
  public init(rise: Int, fall: Int, lossTime: Interval) {
    self.rise = rise
    self.fall = fall
    self.lossTime = lossTime
  }

  /// The state that is used for balancing.
  public var state: ServerState {
    switch (adminState, observed?.state ?? .down) {
    case (.maintenance, _): .maintenance
    case (.drain, .up): .drain
    case (_, let observed): observed
    }
  }

  /// The reason for the state.
  public var reason: Transition.Reason { isAdministrative ? .administrative : observed?.reason ?? .unchecked }

  /// Whether the state is known: a check has completed, or the server is in maintenance.
  public var isKnown: Bool { observed != nil || adminState == .maintenance }

  public private(set) var presence = ServerPresence.present

  /// Consecutive results that indicate another state, and how many are needed; nil when the last one confirmed the
  /// state.
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

  /// Records the result of the check that started at `began`; returns a transition to report, if any.
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
      // A worse failure than the present reason.
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

  /// Sets the administrative state, or clears it with nil; returns a transition to report, if any.
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

  /// Whether the administrative state overrides the checked one.
  private var isAdministrative: Bool { adminState == .maintenance || adminState == .drain && observed?.state == .up }

  /// The transition, if the state has become known, has changed, or has another reason.
  private func transition(since before: HealthTracker) -> Transition? {
    let isWorse = state == .down && before.isKnown && reason != before.reason
    guard state != before.state || isAdministrative != before.isAdministrative || isKnown && !before.isKnown || isWorse
    else { return nil }
    return Transition(from: before.isKnown ? before.state : nil, to: state, reason: reason)
  }
}
