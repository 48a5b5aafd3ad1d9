import Glibc
import Linux
import Logging
import Pair
import WorkerProtocol
import Systemd
import Wire

/// Executes the worker's lifecycle: messages and exits become events, effects start and stop the process.
extension Supervision {
  mutating func handle(worker event: WorkerStateMachine.Event) {
    for effect in workerState.handle(event, at: Clock.monotonic()) {
      switch effect {
      case .start: startWorker()
      case .stop(let interval): stopWorker(within: interval)
      case .kill: worker?.child.signal(SIGKILL)
      case .announceReady: announce(.ready)
      case .announceStopping:
        ServiceNotification.stopping.send()
        handle(reload: .stop)
      case .note(let note):
        var metadata: Logger.Metadata = ["configuration": "\(active.number)"]
        if let identifier = operators.latestWorker { metadata["pid"] = "\(identifier)" }
        log.log(level: note.level, "\(note.text)", metadata: metadata)
      case .finish(let status): exitStatus = status
      }
    }
    handle(reload: workerState.state == .serving ? .workerServes : .workerUnavailable)
  }

  /// Handles received events, a limited number per turn. When there are no more, checks whether the process still runs:
  /// events precede the exit that they explain.
  mutating func readWorker() {
    worker?.link.flush()
    worker?.hasEventsLeft = false
    var taken = 0
    reading: while let receipt = worker?.receive(at: Clock.monotonic()) {
      switch receipt {
      case .nothing: break reading
      case .ended:
        handle(worker: .unlinked)
        break reading
      case .faulty(let reason):
        handle(worker: .faulty(reason: reason))
        break reading
      case .event(let event):
        take(event)
        taken += 1
        guard taken < EventBudget.perTurn else {
          worker?.hasEventsLeft = true
          return
        }
      }
    }
    if let end = worker?.child.reap() { noteEnd(end) }
  }

  private mutating func noteEnd(_ end: ProcessEnd) {
    worker = nil
    endStreams(reason: "the worker of \(ownName) has ended")
    noteWorkerEndInTraces()
    status.workerEnded()
    handle(admin: .workerEnded)
    handle(reload: .workerEnded)
    handle(worker: .exited(end))
  }

  private mutating func take(_ event: WorkerEvent) {
    switch event {
    case .hello(let version):
      guard version != MessageVersion.current else { return }
      handle(worker: .faulty(reason: MessageError.version(theirs: version).description))
    case .ready(let number) where reload.loadingNumber == number:
      handle(reload: .ready(number: number))
    case .refused(let number, let reason) where reload.loadingNumber == number:
      handle(reload: .refused(number: number, reason: reason))
    case .ready:
      worker?.watch(loops: active.plan.loops, bound: active.limits.stall, at: Clock.monotonic())
      handle(worker: .ready)
    case .refused(_, let reason): handle(worker: .refused(reason: reason))
    case .serverChanged, .load, .serverLoad, .serverCheck, .certificate, .clientAuthority, .serverCounts,
      .serviceFigures, .workerCounts, .loopCounts:
      status.note(event, at: Clock.monotonic(), .now)
    case .problem(let problem): OperationalLog.add(problem)
    case .adminState(let state, let server): handle(admin: .learned(state, server: server, .now))
    case .stream(let message, let node): receive(message, from: node)
    case .traced(let event, let number): take(event, of: number)
    case .applied(let number): handle(admin: .applied(upTo: number))
    case .nodeFacts(let piece, let node): take(facts: piece, of: node)
    case .nodeVitals(let bytes, let node): take(vitals: bytes, of: node, at: Clock.monotonic())
    case .tablesReceived: failover.noteTables()
    case .stopped: break
    }
  }

  /// A worker that starts opens them anyway.
  mutating func reopenLogs() {
    worker?.link.reopenLogs()
    worker?.link.flush()
  }

  private mutating func startWorker() {
    do throws(SystemError) {
      guard var next = try active.makeWorker(admin.commands.states) else { return }
      try poller.watchLevel(next.child.handle, token: SupervisorToken(.worker).rawValue)
      try poller.watch(next.link.socket.descriptor, token: SupervisorToken(.worker).rawValue)
      next.link.flush()
      operators.forbid(worker: next.child.identifier)
      worker = consume next
      status.workerStarted()
      pair?.workerStarted()
      renewTraces()
      handle(admin: .workerStarted)
    } catch {
      handle(worker: .spawnFailed(reason: error.description))
    }
  }

  /// Also closes our copies of the listeners, so that no connection waits in their queues.
  private mutating func stopWorker(within interval: Interval) {
    active.listeners = nil
    let bound = Interval(nanoseconds: interval.nanoseconds + 2 * active.limits.grace.nanoseconds)
    ServiceNotification.extendTimeout(bound).send()
    worker?.link.send(.stop(within: interval))
    worker?.link.flush()
  }
}
