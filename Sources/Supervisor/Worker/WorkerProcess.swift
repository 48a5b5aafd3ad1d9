import Linux
import Roles
import Wire

/// A running worker: its process, the link to it, and its heartbeats.
struct WorkerProcess: ~Copyable {
  /// Variables that speak to the supervisor alone.
  private static let withheld: Set<String> = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "SWIFT_BACKTRACE",
  ]

  var child: ChildProcess
  var link: ControlLink
  private let heartbeats: SharedHeartbeats
  private var watch: HeartbeatWatch?
  private var watchedLoops = 0

  /// Starts a worker and queues everything that it starts with.
  init(
    _ plan: ServicePlan, generation: UInt64, configuration: SharedDescriptor, listeners: borrowing ListenerSet,
    orders: AdminStates, blocked: [Int32]
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
        generation: generation, loops: UInt16(truncatingIfNeeded: plan.loops), fileName: plan.configuration.fileName,
        hostName: plan.configuration.hostName),
      with: configuration)
    for listener in listeners.listeners { link.send(.listener(listener.place), with: listener.socket) }
    for order in orders.all { link.send(.server(order, number: orders.number)) }
    link.send(.start)
    self.child = child
    self.link = link
    self.heartbeats = heartbeats
    watch = nil
  }

  /// From now on each of the first `loops` loops is expected to turn.
  mutating func watch(loops: Int, bound: Interval, at now: Instant) {
    watchedLoops = loops
    watch = HeartbeatWatch(turns: turns, bound: bound, at: now)
  }

  /// The first loop that has stopped turning.
  mutating func stalledLoop(at now: Instant) -> Int? {
    let turns = self.turns
    return watch?.observe(turns, at: now)
  }

  private var turns: [UInt64] { (0..<watchedLoops).map { heartbeats.turns(of: $0) } }
}
