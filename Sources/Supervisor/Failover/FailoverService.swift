import Control
import Linux
import Logging
import VRRP
import Wire

/// The virtual addresses' part of the supervisor: the virtual routers, what they are told of the service, and the
/// hand-over that an operator waits for.
struct FailoverService: ~Copyable {
  /// Nil where no address is shared.
  var routers: VirtualRouters?
  private var serving = ServingCondition()
  var request = FailoverRequest()

  init(_ routers: consuming VirtualRouters?) { self.routers = consume routers }

  mutating func start(_ poller: borrowing Poller, _ log: Logger) {
    guard routers != nil else { return }
    switch CurrentProcess.schedulePromptly() {
    case .realtime: log.info("vrrp: scheduled in real time")
    case .sooner: log.info("vrrp: scheduled with a nice value of -10")
    case .usual: log.info("vrrp: scheduled normally; on an overloaded machine advertisements may be late")
    }
    do throws(SystemError) { try routers?.start(poller, at: Clock.monotonic()) } catch {
      log.error("vrrp: \(error)")
    }
  }

  /// Takes the poller's events.
  mutating func serve(_ events: [SupervisorToken], _ poller: borrowing Poller, at now: Instant) {
    routers?.serve(events, poller, at: now)
    routers?.handleTimeout(poller, at: now)
  }

  /// Tells the virtual routers how the service stands, and lets their time pass.
  mutating func refresh(
    _ worker: WorkerStateMachine.State, reachesServers: Bool?, _ poller: borrowing Poller, at now: Instant
  ) {
    guard routers != nil else { return }
    let before = serving
    serving.note(worker, at: now)
    serving.note(reachesServers: reachesServers)
    if let hasWorker = serving.hasWorker, hasWorker != before.hasWorker {
      routers?.report(.worker, isGood: hasWorker, at: now)
    }
    if let reachesServers = serving.reachesServers, reachesServers != before.reachesServers {
      routers?.report(.servers, isGood: reachesServers, at: now)
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

  /// Some virtual router takes part.
  var takesPart: Bool {
    switch routers {
    case nil: false
    case .some(let routers): !routers.isStopped
    }
  }

  /// No virtual router takes part any more, and the hooks have run.
  var hasHandedOver: Bool {
    switch routers {
    case nil: false
    case .some(let routers): routers.isStopped && routers.areHooksDone
    }
  }

  /// The virtual routers' names; nil where there are none.
  var names: [String]? {
    switch routers {
    case nil: nil
    case .some(let routers): routers.names
    }
  }

  /// `router-51 active`: what the virtual routers are, for the service's line.
  var line: String? {
    switch routers {
    case nil: nil
    case .some(let routers): routers.line
    }
  }
}
