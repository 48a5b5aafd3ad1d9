import Linux
import Wire

/// The worker's lifecycle: started, ready, replaced when it dies or hangs, stopped.
///
/// Pure: `handle` takes an event and returns effects. Time never goes back between calls, and `handle(.timer)` is due
/// at `deadline`.
struct WorkerStateMachine {
  enum State: Equatable {
    /// Before `begin`.
    case idle
    /// A worker was started; it is killed unless it is ready before the deadline.
    case starting(deadline: Instant)
    case serving
    /// The worker must end, or is ending; it is killed at the deadline unless it already was.
    case ending(Ending, deadline: Instant)
    /// There is no worker; the next one starts at this time.
    case waiting(until: Instant)
    /// The stop command was sent; the worker is killed at the deadline unless it already was.
    case stopping(deadline: Instant, killed: Bool)
    /// The supervisor ends.
    case finished
  }

  /// Why a worker has to end.
  enum Ending: Equatable {
    /// It can't serve its configuration and ends by itself.
    case refused(reason: String)
    /// It closed its socket; the process should end too.
    case unlinked
    /// It was sent SIGKILL.
    case killed
  }

  enum Event: Equatable {
    /// Start the first worker.
    case begin
    /// A worker could not be started.
    case spawnFailed(reason: String)
    /// The worker serves on every listener.
    case ready
    /// The worker can't serve the configuration.
    case refused(reason: String)
    /// The worker closed its socket.
    case unlinked
    /// The worker sent an invalid or unexpected message.
    case faulty(reason: String)
    /// This event loop of the worker is stalled.
    case stalled(loop: Int)
    /// The worker's process has ended, and how.
    case exited(ProcessEnd)
    /// SIGTERM or SIGINT.
    case terminate
    /// Time has passed.
    case timer
  }

  enum Effect: Equatable {
    /// Start a worker and give it its commands.
    case start
    /// Send the stop command, and close our copies of the listeners, so that no connection waits in their queues.
    case stop(within: Interval)
    /// SIGKILL.
    case kill
    /// The service is ready, for the first time.
    case announceReady
    /// The service stops.
    case announceStopping
    /// Log it.
    case note(WorkerNote)
    /// Exit with this status.
    case finish(status: Int32)
  }

  private(set) var state = State.idle
  private var limits: WorkerLimits
  /// Whether a worker has ever been ready. Before that, a failure needs the operator, and the supervisor ends.
  private var hasServed = false
  /// When workers died within `deathWindow`, oldest first.
  private var deaths: [Instant] = []

  init(limits: WorkerLimits) { self.limits = limits }

  /// Replaces the limits.
  mutating func adopt(_ limits: WorkerLimits) { self.limits = limits }

  /// When `handle(.timer)` is due next.
  var deadline: Instant? {
    switch state {
    case .starting(let deadline), .ending(_, let deadline), .waiting(let deadline): deadline
    case .stopping(let deadline, let killed): killed ? nil : deadline
    case .idle, .serving, .finished: nil
    }
  }

  /// Whether the supervisor works. False once a worker has outlived its SIGKILL: only a restart of the service or of
  /// the machine may help then.
  func isHealthy(at now: Instant) -> Bool {
    if case .ending(.killed, let deadline) = state { return now < deadline }
    return true
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    switch (state, event) {
    case (.idle, .begin):
      return start(at: now)
    case (.finished, _), (.idle, _), (_, .begin):
      return []

    case (.stopping(_, let killed), _):
      return whileStopping(event, killed: killed, at: now)
    case (.waiting, .terminate):
      state = .finished
      return [.announceStopping, .finish(status: 0)]
    case (.starting, .terminate), (.ending, .terminate):
      // It serves no connection, so there is nothing to finish.
      state = .stopping(deadline: now, killed: true)
      return [.announceStopping, .kill]
    case (.serving, .terminate):
      state = .stopping(deadline: now + limits.stop + limits.grace, killed: false)
      return [.announceStopping, .note(.stopping(within: limits.stop)), .stop(within: limits.stop)]

    case (.starting, .ready):
      state = .serving
      let isFirst = !hasServed
      hasServed = true
      return [.note(.ready)] + (isFirst ? [.announceReady] : [])
    case (.starting, .refused(let reason)):
      state = .ending(.refused(reason: reason), deadline: now + limits.grace)
      return []
    case (.starting, .spawnFailed(let reason)):
      return died(.spawnFailed(reason: reason), at: now)
    case (.starting(let deadline), .timer):
      return now < deadline ? [] : kill(.startedTooSlowly(limits.start), at: now)

    case (.starting, .unlinked), (.serving, .unlinked):
      state = .ending(.unlinked, deadline: now + limits.grace)
      return []
    case (.starting, .faulty(let reason)), (.serving, .faulty(let reason)):
      return kill(.faulty(reason: reason), at: now)
    case (.serving, .ready), (.serving, .refused):
      return kill(.faulty(reason: "unexpected `ready` or `refused`"), at: now)
    case (.serving, .stalled(let loop)):
      return kill(.stalled(loop: loop, after: limits.stall), at: now)

    case (.starting, .exited(let end)), (.serving, .exited(let end)), (.ending(.unlinked, _), .exited(let end)),
      (.ending(.killed, _), .exited(let end)):
      return died(.died(end), at: now)
    case (.ending(.refused(let reason), _), .exited):
      return died(.refused(reason: reason), at: now)
    case (.ending(.killed, _), .timer):
      return []
    case (.ending(_, let deadline), .timer):
      return now < deadline ? [] : kill(.lingers, at: now)
    case (.waiting(let until), .timer):
      return now < until ? [] : start(at: now)

    case (.starting, .stalled), (.serving, .timer), (.serving, .spawnFailed), (.ending, _), (.waiting, _):
      return []
    }
  }

  private mutating func whileStopping(_ event: Event, killed: Bool, at now: Instant) -> [Effect] {
    guard case .stopping(let deadline, _) = state else { return [] }
    switch event {
    case .exited(let end):
      state = .finished
      guard !killed, end != .exited(status: 0) else { return [.note(.stopped), .finish(status: 0)] }
      return [.note(.diedStopping(end)), .finish(status: 1)]
    case .terminate, .stalled, .faulty:
      guard !killed else { return [] }
      state = .stopping(deadline: deadline, killed: true)
      return [.note(.stopCut), .kill]
    case .timer:
      guard !killed, now >= deadline else { return [] }
      state = .stopping(deadline: deadline, killed: true)
      return [.note(.stopCut), .kill]
    case .begin, .spawnFailed, .ready, .refused, .unlinked:
      return []
    }
  }

  private mutating func start(at now: Instant) -> [Effect] {
    state = .starting(deadline: now + limits.start)
    return [.start]
  }

  private mutating func kill(_ note: WorkerNote, at now: Instant) -> [Effect] {
    state = .ending(.killed, deadline: now + limits.grace)
    return [.note(note), .kill]
  }

  /// The worker has ended: starts the next at once, or after a delay when workers keep dying.
  private mutating func died(_ note: WorkerNote, at now: Instant) -> [Effect] {
    guard hasServed else {
      state = .finished
      return [.note(note), .note(.neverReady), .finish(status: 1)]
    }
    deaths.removeAll { now - $0 > limits.deathWindow }
    deaths.append(now)
    guard let delay = limits.delay(afterDeaths: deaths.count) else { return [.note(note)] + start(at: now) }
    state = .waiting(until: now + delay)
    return [.note(note), .note(.waiting(delay, deaths: deaths.count, within: limits.deathWindow))]
  }
}
