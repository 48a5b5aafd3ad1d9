import Control
import Glibc
import Linux
import Logging
import Systemd
import VRRP
import Wire

/// The supervisor's processes, sockets, files and state machines. Their events are collected and their effects executed
/// here; each state machine has an extension, in its own folder.
struct Supervision: ~Copyable {
  let log: Logger
  let poller: Poller
  let origin: ServiceOrigin
  var active: ActiveConfiguration
  var workerState: WorkerStateMachine
  var worker: WorkerProcess?
  var reload = ReloadStateMachine<ReloadCandidate>()
  var stop = StopStateMachine()
  var admin: AdminControl
  var operators: OperatorSocket
  var failover: FailoverService
  var status: ServiceStatus
  /// Nil without a pair.
  var pair: PairService?
  /// Set when the supervisor must exit.
  var exitStatus: Int32?

  init(
    _ origin: ServiceOrigin, _ active: consuming ActiveConfiguration, operators: consuming OperatorSocket,
    admin: AdminControl, failover: consuming FailoverService, poller: consuming Poller, log: Logger
  ) {
    self.log = log
    self.origin = origin
    self.operators = operators
    self.admin = admin
    self.failover = failover
    workerState = WorkerStateMachine(limits: active.limits)
    status = ServiceStatus(active.plan.description)
    pair = PairService(active.plan.pair, at: Clock.monotonic(), .now)
    self.active = active
    self.poller = poller
  }

  /// Starts the virtual routers and the first worker.
  mutating func begin() {
    failover.start(poller, log)
    handle(worker: .begin)
    operators.listen(poller, at: Clock.monotonic())
  }

  /// Whether there is work that no event announces.
  var hasWork: Bool {
    switch worker {
    case nil: false
    case .some(let worker): worker.hasEventsLeft
    }
  }

  /// When `handleTimeouts` is due next.
  var deadline: Instant? {
    [
      workerState.deadline, reload.deadline, stop.deadline, admin.commands.deadline, failover.deadline,
      operators.deadline, operators.waiting.deadline, operators.streams.deadline,
      operators.traces.deadline,
    ].compactMap { $0 }.min()
  }

  mutating func handle(signal: Int32) {
    switch signal {
    case SIGHUP: handle(reload: .requested(by: nil))
    case SIGUSR1: reopenLogs()
    case SIGUSR2: log.notice("\(Signals.words(for: signal)) is ignored: SIGHUP reloads, SIGTERM stops")
    default:
      log.notice("\(Signals.words(for: signal))")
      handle(stop: .terminate(handsOver: failover.takesPart))
    }
  }

  mutating func handleTimeouts(at now: Instant) {
    handle(worker: .timer)
    refreshRouters(at: now)
    handle(stop: failover.hasHandedOver ? .handedOver : .timer)
    handle(reload: .timer)
    handle(admin: .timer)
    answerWaiting(at: now)
    operators.handleTimeout(at: now)
    operators.listen(poller, at: now)
  }

  /// Called twice a second.
  mutating func tick(at now: Instant) {
    admin.file.retry(at: now)
    servePair(at: now)
    compareServers()
    if let loop = worker?.stalledLoop(at: now) { handle(worker: .stalled(loop: loop)) }
  }

  /// Whether the supervisor works, for the service manager's watchdog.
  func isHealthy(at now: Instant) -> Bool { workerState.isHealthy(at: now) }

  /// Notifies the service manager of a start, a reload or the status; does nothing once the service stops.
  func announce(_ notification: ServiceNotification) {
    if stop.state == .running { notification.send() }
  }

  /// For the service manager: `router-51 active; 9 sessions, …`; nil while no worker serves.
  var statusLine: String? {
    guard case .serving = workerState.state else { return nil }
    return [failover.line, status.line].compactMap { $0 }.joined(separator: "; ")
  }

  /// Removes every virtual address, without a handover.
  mutating func abandonAddresses() { failover.routers?.abandon() }

  mutating func handle(stop event: StopStateMachine.Event) {
    for effect in stop.handle(event, at: Clock.monotonic()) {
      switch effect {
      case .announceStopping(let bound):
        ServiceNotification.stopping.send()
        ServiceNotification.extendTimeout(bound).send()
      case .handOver: failover.routers?.stop(at: Clock.monotonic())
      case .stopWorker:
        endStreams(reason: "belvedere stops on \(ownName)")
        handle(worker: .terminate)
      }
    }
  }
}

/// The version, configuration source and start time of the service.
struct ServiceOrigin {
  let version: String
  /// Reads the configuration file again and makes a plan.
  let reread: () throws(ReloadRefusal) -> ServicePlan
  let began = WallTime.now
}
