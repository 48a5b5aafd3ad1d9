import Control
import Linux
import Wire

/// The active configuration and its open descriptors.
struct ActiveConfiguration: ~Copyable {
  private(set) var plan: ServicePlan
  /// The configuration text that the worker reads, in memory.
  private(set) var text: SharedDescriptor
  private(set) var number: UInt64 = 1
  /// When it became active.
  private(set) var since = WallTime.now
  /// Why the last attempt to replace it was refused; nil if it was not.
  var refusal: String?
  /// Nil once the service has closed them at a stop.
  var listeners: ListenerSet?

  init(_ plan: ServicePlan, listeners: consuming ListenerSet) throws(SystemError) {
    text = try Self.sealed(plan)
    self.plan = plan
    self.listeners = consume listeners
  }

  /// The worker limits that a reload may change.
  var limits: WorkerLimits { WorkerLimits(stop: plan.stop) }

  /// Prepares a reload to another plan. On an error everything that was opened is closed.
  func candidate(_ next: ServicePlan) throws(ReloadRefusal) -> ReloadCandidate {
    let fixed = plan.fixedSettings(changedBy: next)
    guard fixed.isEmpty else { throw ReloadRefusal(fixed) }
    do {
      let change = try listeners?.change(to: next.listeners, loops: next.loops) ?? ListenerSet.Change()
      return ReloadCandidate(plan: next, text: try Self.sealed(next), listeners: change)
    } catch { throw ReloadRefusal(["\(error)"]) }
  }

  /// Adds to the warnings that the reload is answered with.
  mutating func warn(_ text: String) { plan.warnings.append("warning: \(text)") }

  mutating func adopt(_ candidate: ReloadCandidate, number: UInt64) {
    plan = candidate.plan
    text = candidate.text
    listeners = ListenerSet(candidate.listeners)
    self.number = number
    since = .now
    refusal = nil
  }

  /// Starts a worker with everything it needs; nil once the listeners are closed.
  mutating func makeWorker(_ states: AdminStates) throws(SystemError) -> WorkerProcess? {
    try listeners?.restore()
    switch listeners {
    case nil: return nil
    case .some(let listeners):
      return try WorkerProcess(
        plan, number: number, configuration: text, listeners: listeners, states: states,
        blocked: SupervisorLoop.signals + Signals.unhandled)
    }
  }

  private static func sealed(_ plan: ServicePlan) throws(SystemError) -> SharedDescriptor {
    SharedDescriptor(try MemoryFile.sealed("configuration", contents: plan.configuration.text.span))
  }
}

/// A new configuration with its newly bound listeners, until the worker serves it.
struct ReloadCandidate {
  let plan: ServicePlan
  let text: SharedDescriptor
  let listeners: ListenerSet.Change
}
