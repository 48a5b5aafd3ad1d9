import Control
import Linux
import WorkerProtocol
import Wire

/// A running worker: its process, socket, heartbeats and message budget.
struct WorkerProcess: ~Copyable {
  /// Environment variables for the supervisor only.
  private static let withheld: Set<String> = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "SWIFT_BACKTRACE",
  ]

  var child: ChildProcess
  var link: ControlLink
  /// When it was started.
  let since = WallTime.now
  /// More events are available than one turn handles.
  var hasEventsLeft = false
  private var budget: EventBudget
  private let heartbeats: SharedHeartbeats
  private var watch: HeartbeatWatch?

  /// Starts a worker and queues its initial commands.
  init(
    _ plan: ServicePlan, number: UInt64, configuration: SharedDescriptor, listeners: borrowing ListenerSet,
    states: AdminStates, blocked: [Int32]
  ) throws(SystemError) {
    let pair = try MessageSocket.Pair()
    let heartbeats = try SharedHeartbeats(loops: ServicePlan.loopLimit)
    let page = SharedDescriptor(try heartbeats.file.duplicate())
    let child = try ChildProcess(
      executable: plan.command.executable, arguments: plan.command.arguments,
      // After a crash the worker must end at once instead of starting a backtrace helper.
      environment: CurrentProcess.environment(removing: Self.withheld) + ["SWIFT_BACKTRACE=enable=no"],
      control: pair.theirs.descriptor, blocked: blocked)

    var link = ControlLink(pair.takeOurs())
    link.send(.hello(version: MessageVersion.current))
    link.send(.heartbeats(capacity: UInt16(truncatingIfNeeded: ServicePlan.loopLimit)), with: page)
    link.configure(
      plan, number: number, text: configuration, ListenerSet.Change(added: listeners.listeners), states)
    self.child = child
    self.link = link
    budget = EventBudget(servers: plan.description.servers.count, at: Clock.monotonic())
    self.heartbeats = heartbeats
    watch = nil
  }

  /// The next event, within the budget. Never blocks.
  mutating func receive(at now: Instant) -> ControlLink.Receipt {
    let receipt = link.receive()
    if case .event = receipt, !budget.spend(at: now) { return .faulty(budget.reason) }
    return receipt
  }

  /// The worker serves another configuration, and reports this number of servers.
  mutating func adopt(_ plan: ServicePlan, servers: Int, _ limits: WorkerLimits, at now: Instant) {
    budget.adopt(servers: servers)
    watch(loops: plan.loops, bound: limits.stall, at: now)
  }

  /// From now on the first `loops` event loops must keep turning.
  mutating func watch(loops: Int, bound: Interval, at now: Instant) {
    watch = HeartbeatWatch(turns: turns(loops), bound: bound, at: now)
  }

  /// The first stalled loop; nil: none.
  mutating func stalledLoop(at now: Instant) -> Int? {
    guard let count = watch?.loopCount else { return nil }
    let turns = turns(count)
    return watch?.observe(turns, at: now)
  }

  private func turns(_ loops: Int) -> [UInt64] { (0..<loops).map { heartbeats.turns(of: $0) } }
}
