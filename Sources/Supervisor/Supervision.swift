import Control
import Glibc
import Linux
import Logging
import Roles
import Systemd
import VRRP
import Wire

/// The supervisor's loop: signals, the worker's facts and end, and time go into `WorkerStateMachine`; what it answers is done.
/// Operators are answered and virtual routers served between two turns. Nothing here waits.
struct Supervision: ~Copyable {
  /// Signals that are read here, and that the worker is born with blocked: it stops when it is told to, not when a
  /// terminal or a service manager signals the whole group.
  private static let signals = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]

  var plan: ServicePlan
  private var limits: WorkerLimits
  let log: Logger
  let poller: Poller
  private let signalReader: SignalReader
  /// The text that the worker reads, in memory.
  private var configuration: SharedDescriptor
  var listeners: ListenerSet?
  private(set) var life: WorkerStateMachine
  var worker: WorkerProcess?
  /// When it was started.
  private(set) var workerSince: Moment?
  /// The configuration in force.
  var generation = GenerationCount(since: .now)
  /// A reload that the worker has not answered yet.
  var pending: PendingReload?
  /// Another reload was asked for since the configuration file was read last.
  var isReloadWanted = false
  /// Who waits for which.
  var reloads = ReloadQueue()
  /// What operators want of servers.
  var orders: AdminStates
  /// Who waits until it is in force.
  var orderQueue = OrderQueue()
  let orderFile: AdminStateFile
  var operators: OperatorSocket
  /// Nil where no address is shared.
  var routers: VirtualRouters?
  var serving = ServingCondition()
  /// A hand-over that an operator waits for.
  var handover: PendingHandover?
  /// The virtual routers hand their addresses over; then the service stops, whatever hooks may still do by then.
  var leavingUntil: Instant?
  let version: String
  let began = Moment.now
  let reread: () -> Result<ServicePlan, ReloadRefusal>
  /// The process of the worker that notes are about: the one that runs, or the last one.
  private(set) var workerIdentifier: Int32?
  var status: ServiceStatus
  private var saidStatus = ""
  private var exitStatus: Int32?
  private var nextTick: Instant
  private let watchdog: Interval?
  private var nextWatchdog = Instant(nanoseconds: 0)
  /// How much the worker may still say.
  private var budget: FactBudget
  /// The worker has said more than one turn takes.
  private var hasFactsLeft = false

  /// `reread` makes a plan of the configuration file as it is when it is called.
  init(
    _ plan: ServicePlan, listeners: consuming ListenerSet, operators: consuming OperatorSocket,
    orderFile: AdminStateFile,
    version: String, log: Logger, digest: @escaping KeyedAuthentication.Digest,
    reread: @escaping () -> Result<ServicePlan, ReloadRefusal>
  ) throws(SystemError) {
    let signalReader = try SignalReader(Self.signals)
    Signals.ignoreBrokenPipes()
    let poller = try Poller()
    try poller.watchLevel(signalReader.descriptor, token: SupervisorToken(.signals).rawValue)
    try orderFile.watch(poller)
    let routers = try Self.routers(
      of: plan, digest: digest, control: operators.path, poller: poller, log: log)
    configuration = SharedDescriptor(try MemoryFile.sealed("configuration", contents: plan.configuration.text.span))
    self.routers = consume routers
    self.signalReader = signalReader
    self.poller = poller
    self.plan = plan
    self.reread = reread
    limits = WorkerLimits(stop: plan.stop)
    self.log = log
    self.listeners = consume listeners
    self.operators = consume operators
    self.orderFile = orderFile
    orders = AdminStates(plan.orderFile.map { AdminStateFile.read($0, log) } ?? OrderSnapshot([:]))
    orders.keep(plan.serverNames)
    for order in orders.all {
      log.notice("orders: \(order.words), as an earlier service was told", metadata: ["server": "\(order.name)"])
    }
    self.version = version
    life = WorkerStateMachine(limits: limits)
    status = ServiceStatus(plan.description)
    budget = FactBudget(servers: plan.description.servers.count, at: Clock.monotonic())
    nextTick = Clock.monotonic() + HeartbeatWatch.period
    // Half of what systemd waits for, as sd_watchdog_enabled(3) asks.
    watchdog = ServiceNotification.watchdogMicroseconds.map { .microseconds($0 / 2) }
  }

  /// Runs the service until it is stopped or can't be, and returns the exit status.
  consuming func run() -> Int32 {
    startRouters()
    perform(life.handle(.begin, at: Clock.monotonic()))
    operators.listen(poller, at: Clock.monotonic())
    while exitStatus == nil {
      let count = poller.wait(patience())
      let events = (0..<count).map { SupervisorToken(rawValue: poller.event(at: $0).token) }
      // They have the closest deadlines.
      serveRouters(events)
      readWorker()
      if events.contains(where: { $0.kind == .signals }) { readSignals() }
      if events.contains(where: { $0.kind == .orderFile }) { orderFile.drain() }
      serveOperators(events)
      passTime()
    }
    routers?.abandon()
    return exitStatus ?? 0
  }

  /// Until when nothing is to be done unless something happens.
  private func patience() -> Interval {
    if hasFactsLeft { return .zero }
    let now = Clock.monotonic()
    var next = nextTick
    if let deadline = life.deadline { next = min(next, deadline) }
    if watchdog != nil { next = min(next, nextWatchdog) }
    if let deadline = routersDeadline { next = min(next, deadline) }
    return next - now
  }

  private mutating func readSignals() {
    while let signal = signalReader.next() {
      switch signal {
      case SIGHUP: reload()
      case SIGUSR1, SIGUSR2:
        log.notice("\(Signals.words(for: signal)) means nothing here: SIGHUP reloads, SIGTERM stops")
      default:
        log.notice("\(Signals.words(for: signal))")
        if !leaveFirst() { handle(.terminate) }
      }
    }
  }

  /// Takes facts that have come, so many in a turn, and when there are no more looks whether the process still runs:
  /// facts come before the end that they explain.
  private mutating func readWorker() {
    hasFactsLeft = false
    guard worker != nil else { return }
    worker?.link.flush()
    var taken = 0
    reading: while let receipt = worker?.link.receive() {
      switch receipt {
      case .nothing: break reading
      case .ended:
        handle(.unlinked)
        break reading
      case .faulty(let reason):
        handle(.faulty(reason: reason))
        break reading
      case .fact(let fact):
        guard budget.spend(at: Clock.monotonic()) else {
          handle(.faulty(reason: budget.reason))
          break reading
        }
        take(fact)
        taken += 1
        guard taken < FactBudget.perTurn else {
          hasFactsLeft = true
          return
        }
      }
    }
    if let end = worker?.child.reap() {
      worker = nil
      workerSince = nil
      status.workerEnded()
      answerOrders()
      endReload(.failure(ReloadRefusal(["the worker died while it took the new configuration over"])))
      handle(.exited(end))
    }
  }

  private mutating func take(_ fact: Fact) {
    switch fact {
    case .hello(let version):
      guard version != MessageVersion.current else { return }
      handle(.faulty(reason: MessageError.version(theirs: version).description))
    case .ready(let generation) where pending?.generation == generation: endReload(.success(()))
    case .refused(let generation, let reason) where pending?.generation == generation:
      endReload(.failure(ReloadRefusal([reason])))
    case .ready:
      worker?.watch(loops: plan.loops, bound: limits.stall, at: Clock.monotonic())
      handle(.ready)
      reloadIfWanted()
    case .refused(_, let reason): handle(.refused(reason: reason))
    case .serverChanged, .load, .serverLoad, .certificate: status.note(fact, at: Clock.monotonic(), .now)
    case .problem(let problem):
      OperationalLog.add(ProblemList.Entry(time: problem.time, count: problem.count, text: problem.text))
    case .obeyed(let number): answerOrders(upTo: number)
    case .stopped: break
    }
  }

  private mutating func passTime() {
    let now = Clock.monotonic()
    handle(.timer)
    passRoutersTime(at: now)
    if let pending, now >= pending.deadline {
      endReload(.failure(ReloadRefusal(["the worker did not answer in time"])))
    }
    if orderQueue.isOverdue(at: now) { answerOrders() }
    answerSettledOrders()
    operators.passTime(at: now)
    operators.listen(poller, at: now)
    if now >= nextTick {
      nextTick = now + HeartbeatWatch.period
      orderFile.retry(at: now)
      if let loop = worker?.stalledLoop(at: now) { handle(.stalled(loop: loop)) }
      sayStatus()
    }
    if let watchdog, now >= nextWatchdog, life.isSound(at: now) {
      nextWatchdog = now + watchdog
      ServiceNotification.watchdog.send()
    }
  }

  private mutating func sayStatus() {
    let line = [routersLine, status.line].compactMap { $0 }.joined(separator: "; ")
    guard case .serving = life.state, line != saidStatus else { return }
    saidStatus = line
    ServiceNotification.status(saidStatus).send()
  }

  // MARK: Effects

  mutating func handle(_ event: WorkerStateMachine.Event) {
    perform(life.handle(event, at: Clock.monotonic()))
  }

  private mutating func perform(_ effects: [WorkerStateMachine.Effect]) {
    for effect in effects {
      switch effect {
      case .start: start()
      case .stop(let interval):
        listeners = nil
        let bound = Interval(nanoseconds: interval.nanoseconds + 2 * limits.grace.nanoseconds)
        ServiceNotification.extendTimeout(bound).send()
        worker?.link.send(.stop(within: interval))
        worker?.link.flush()
      case .kill: worker?.child.signal(SIGKILL)
      case .announceReady: ServiceNotification.ready.send()
      case .announceStopping:
        ServiceNotification.stopping.send()
        endReload(.failure(ReloadRefusal(["the service stops"])))
      case .note(let note):
        var metadata: Logger.Metadata = ["generation": "\(generation.current)"]
        if let workerIdentifier { metadata["pid"] = "\(workerIdentifier)" }
        log.log(level: note.level, "\(note.text)", metadata: metadata)
      case .finish(let status): exitStatus = status
      }
    }
  }

  /// Everything from here on goes by this plan.
  mutating func adopt(_ reload: PendingReload) {
    let kept = (plan.orderFile, orders.snapshot)
    plan = reload.plan
    OperationalLog.setLevel(plan.logLevel)
    OperationalLog.setFacility(plan.logFacility)
    configuration = reload.configuration
    listeners = ListenerSet(reload.listeners)
    for listener in reload.listeners.removed {
      ServiceNotification.forget(name: listener.place.endpoint.keptName).send()
    }
    for listener in reload.listeners.added { listener.keep() }
    limits = WorkerLimits(stop: plan.stop)
    life.adopt(limits)
    status.adopt(plan.description)
    budget.adopt(servers: plan.description.servers.count)
    orders.keep(plan.serverNames)
    if kept != (plan.orderFile, orders.snapshot) { saveOrders() }
    generation.adopt(reload.generation, at: .now)
    worker?.watch(loops: plan.loops, bound: limits.stall, at: Clock.monotonic())
  }

  /// A worker with its orders; nil when there are no listeners any more.
  private func makeWorker() throws(SystemError) -> WorkerProcess? {
    switch listeners {
    case nil: return nil
    case .some(let listeners):
      return try WorkerProcess(
        plan, generation: generation.current, configuration: configuration, listeners: listeners, orders: orders,
        blocked: Self.signals + Signals.strays)
    }
  }

  private mutating func start() {
    do throws(SystemError) {
      guard var next = try makeWorker() else { return }
      try poller.watchLevel(next.child.handle, token: SupervisorToken(.worker).rawValue)
      try poller.watch(next.link.socket.descriptor, token: SupervisorToken(.worker).rawValue)
      next.link.flush()
      workerIdentifier = next.child.identifier
      operators.bar(worker: next.child.identifier)
      budget = FactBudget(servers: plan.description.servers.count, at: Clock.monotonic())
      worker = consume next
      workerSince = .now
    } catch {
      handle(.spawnFailed(reason: error.description))
    }
  }
}
