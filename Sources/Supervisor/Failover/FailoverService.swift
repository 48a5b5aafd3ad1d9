import Control
import Domain
import Linux
import Logging
import Pair
import VRRP
import Wire

/// The virtual routers of the supervisor, the service state reported to them, and the failover request in progress.
struct FailoverService: ~Copyable {
  /// Nil where there are none.
  var routers: VirtualRouters?
  private var serving = ServingCondition()
  var request = FailoverRequest()

  init(_ routers: consuming VirtualRouters?) { self.routers = consume routers }

  mutating func start(_ poller: borrowing Poller, _ log: Logger) {
    guard routers != nil else { return }
    switch CurrentProcess.raisePriority() {
    case .realtime: log.info("vrrp: scheduled in real time")
    case .sooner: log.info("vrrp: scheduled with a nice value of -10")
    case .usual: log.info("vrrp: scheduled normally; on an overloaded machine advertisements may be late")
    }
    do throws(SystemError) { try routers?.start(poller, at: Clock.monotonic()) } catch {
      log.error("vrrp: \(error)")
    }
  }

  /// Handles poller events.
  mutating func serve(_ events: [SupervisorToken], _ poller: borrowing Poller, at now: Instant) {
    routers?.serve(events, poller, at: now)
    routers?.handleTimeout(poller, at: now)
  }

  /// What other nodes know of clients has come, or will not come.
  mutating func noteTables() { serving.hasTables = true }

  /// Reports the state of the service to the virtual routers.
  mutating func refresh(
    _ worker: WorkerStateMachine.State, hasReachableServer: Bool?, _ poller: borrowing Poller, at now: Instant
  ) {
    guard routers != nil else { return }
    let before = serving
    serving.note(worker, at: now)
    serving.note(hasReachableServer: hasReachableServer)
    if let hasWorker = serving.hasWorker, hasWorker != before.hasWorker {
      routers?.report(.worker, isGood: hasWorker, at: now)
    }
    if let hasReachableServer = serving.hasReachableServer, hasReachableServer != before.hasReachableServer {
      routers?.report(.servers, isGood: hasReachableServer, at: now)
    }
    routers?.handleTimeout(poller, at: now)
  }

  /// When `refresh` is due next.
  var deadline: Instant? {
    switch routers {
    case nil: nil
    case .some(let routers): [routers.deadline, serving.deadline].compactMap { $0 }.min()
    }
  }

  /// Whether any virtual router takes part in the election.
  var takesPart: Bool {
    switch routers {
    case nil: false
    case .some(let routers): !routers.isStopped
    }
  }

  /// Whether all virtual routers have stopped and the hooks have run.
  var hasHandedOver: Bool {
    switch routers {
    case nil: false
    case .some(let routers): routers.isStopped && routers.areHooksDone
    }
  }

  /// The virtual routers' roles and priorities, for the pair's other nodes.
  var roles: [NodeVitals.Router] {
    switch routers {
    case nil: []
    case .some(let routers): routers.roles
    }
  }

  /// What keeps the virtual routers from their work.
  var findings: [NodeFinding] {
    switch routers {
    case nil: []
    case .some(let routers): routers.findings
    }
  }

  /// Takes what another node of the pair has reported of its virtual routers.
  mutating func note(_ vitals: NodeVitals?, of node: String, at now: Instant) {
    routers?.note(vitals?.routers ?? [], of: node, at: now)
  }

  /// Compares the servers that this node and the others reach; `delay`: how long a difference must last.
  mutating func compare(
    _ own: [NodeService], with others: [(name: String, vitals: NodeVitals)], delay: Interval, at now: Instant
  ) {
    routers?.compare(own, with: others, delay: delay, at: now)
  }

  /// The virtual routers' names; nil where there are none.
  var names: [String]? {
    switch routers {
    case nil: nil
    case .some(let routers): routers.names
    }
  }

  /// The virtual routers' roles for the status line: `router-51 active`.
  var line: String? {
    switch routers {
    case nil: nil
    case .some(let routers): routers.line
    }
  }
}
