import Control
import Linux
import Wire

/// The configuration in force, and what is open for it.
struct ActiveConfiguration: ~Copyable {
  private(set) var plan: ServicePlan
  /// The text that a worker reads, in memory.
  private(set) var text: SharedDescriptor
  private(set) var number: UInt64 = 1
  /// Since when it is in force.
  private(set) var since = WallTime.now
  /// Nil once the service gives them up.
  var listeners: ListenerSet?

  init(_ plan: ServicePlan, listeners: consuming ListenerSet) throws(SystemError) {
    text = try Self.sealed(plan)
    self.plan = plan
    self.listeners = consume listeners
  }

  /// What a reload may change of a worker's limits.
  var limits: WorkerLimits { WorkerLimits(stop: plan.stop) }

  /// Everything that another plan takes, beside what is open. What is given up by a failure closes by itself.
  func candidate(_ next: ServicePlan) throws -> ReloadCandidate {
    let change = try listeners?.change(to: next.places, loops: next.loops) ?? ListenerSet.Change()
    return ReloadCandidate(plan: next, text: try Self.sealed(next), listeners: change)
  }

  mutating func adopt(_ candidate: ReloadCandidate, number: UInt64) {
    plan = candidate.plan
    text = candidate.text
    listeners = ListenerSet(candidate.listeners)
    self.number = number
    since = .now
  }

  /// A worker with everything that it starts with; nil when there are no listeners any more.
  func makeWorker(_ states: AdminStates) throws(SystemError) -> WorkerProcess? {
    switch listeners {
    case nil: return nil
    case .some(let listeners):
      try listeners.restore()
      return try WorkerProcess(
        plan, number: number, configuration: text, listeners: listeners, states: states,
        blocked: SupervisorLoop.signals + Signals.strays)
    }
  }

  private static func sealed(_ plan: ServicePlan) throws(SystemError) -> SharedDescriptor {
    SharedDescriptor(try MemoryFile.sealed("configuration", contents: plan.configuration.text.span))
  }
}

/// Another configuration, with what was bound for it, until the worker serves it.
struct ReloadCandidate {
  let plan: ServicePlan
  let text: SharedDescriptor
  let listeners: ListenerSet.Change
}
