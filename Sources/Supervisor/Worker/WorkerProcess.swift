import Control
import Linux
import WorkerProtocol
import Wire

/// A running worker: its process, the link to it, its heartbeats, and how much it may still say.
struct WorkerProcess: ~Copyable {
  /// Variables that speak to the supervisor alone.
  private static let withheld: Set<String> = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "SWIFT_BACKTRACE",
  ]

  var child: ChildProcess
  var link: ControlLink
  /// When it was started.
  let since = WallTime.now
  /// It has said more than one turn takes.
  var hasEventsLeft = false
  private var budget: EventBudget
  private let heartbeats: SharedHeartbeats
  private var watch: HeartbeatWatch?

  /// Starts a worker and queues everything that it starts with.
  init(
    _ plan: ServicePlan, number: UInt64, configuration: SharedDescriptor, listeners: borrowing ListenerSet,
    states: AdminStates, blocked: [Int32]
  ) throws(SystemError) {
    let pair = try MessageSocket.Pair()
    let heartbeats = try SharedHeartbeats(loops: ServicePlan.loopLimit)
    let page = SharedDescriptor(try heartbeats.file.duplicate())
    let child = try ChildProcess(
      executable: plan.command.executable, arguments: plan.command.arguments,
      // The worker is to die of a crash at once, not to start a debugger's helper.
      environment: CurrentProcess.environment(removing: Self.withheld) + ["SWIFT_BACKTRACE=enable=no"],
      control: pair.theirs.descriptor, blocked: blocked)

    var link = ControlLink(pair.takeOurs())
    link.send(.hello(version: MessageVersion.current))
    link.send(.heartbeats(capacity: UInt16(truncatingIfNeeded: ServicePlan.loopLimit)), with: page)
    link.send(
      .configure(
        number: number, loops: UInt16(truncatingIfNeeded: plan.loops), fileName: plan.configuration.fileName,
        hostName: plan.configuration.hostName),
      with: configuration)
    for listener in listeners.listeners { link.send(.listener(listener.place), with: listener.socket) }
    for (name, state) in states.all { link.send(.server(name: name, state, number: states.number)) }
    link.send(.start)
    self.child = child
    self.link = link
    budget = EventBudget(servers: plan.description.servers.count, at: Clock.monotonic())
    self.heartbeats = heartbeats
    watch = nil
  }

  /// What it has said, as far as its budget goes. Never waits.
  mutating func receive(at now: Instant) -> ControlLink.Receipt {
    let receipt = link.receive()
    if case .event = receipt, !budget.spend(at: now) { return .faulty(budget.reason) }
    return receipt
  }

  /// It serves another configuration, and tells of so many servers.
  mutating func adopt(_ plan: ServicePlan, servers: Int, _ limits: WorkerLimits, at now: Instant) {
    budget.adopt(servers: servers)
    watch(loops: plan.loops, bound: limits.stall, at: now)
  }

  /// From now on each of the first `loops` loops is expected to turn.
  mutating func watch(loops: Int, bound: Interval, at now: Instant) {
    watch = HeartbeatWatch(turns: turns(loops), bound: bound, at: now)
  }

  /// The first loop that has stopped turning.
  mutating func stalledLoop(at now: Instant) -> Int? {
    guard let count = watch?.loopCount else { return nil }
    let turns = turns(count)
    return watch?.observe(turns, at: now)
  }

  private func turns(_ loops: Int) -> [UInt64] { (0..<loops).map { heartbeats.turns(of: $0) } }
}
