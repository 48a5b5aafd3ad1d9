import Linux
import Logging
import Systemd
import VRRP
import Wire

/// The virtual routers' part of the supervisor's loop.
extension Supervision {
  /// How long a stop may wait for the virtual routers: a hand-over takes 1.2 s at most.
  private static let leavingBound = Interval.seconds(3)

  static func routers(
    of plan: ServicePlan, digest: @escaping KeyedAuthentication.Digest, control: String, poller: borrowing Poller,
    log: Logger
  ) throws(SystemError) -> VirtualRouters? {
    guard !plan.routers.isEmpty else { return nil }
    return try VirtualRouters(
      plan.routers, digest: digest, leaseFile: LeaseFile(besides: control), poller: poller, log: log)
  }

  mutating func startRouters() {
    guard routers != nil else { return }
    switch CurrentProcess.schedulePromptly() {
    case .realtime: log.info("vrrp: scheduled in real time")
    case .sooner: log.info("vrrp: scheduled with a nice value of -10")
    case .usual: log.info("vrrp: scheduled as everybody; on a machine that is overloaded advertisements may be late")
    }
    do throws(SystemError) { try routers?.start(poller, at: Clock.monotonic()) } catch {
      log.error("vrrp: \(error)")
    }
  }

  mutating func serveRouters(_ events: [(token: UInt64, readiness: Readiness)]) {
    guard routers != nil else { return }
    let now = Clock.monotonic()
    routers?.serve(events, poller, at: now)
    routers?.passTime(at: now)
  }

  /// Tells the virtual routers how the service stands, and lets their time pass.
  mutating func passRoutersTime(at now: Instant) {
    guard routers != nil else { return }
    let before = serving
    serving.note(life.state, at: now)
    serving.note(reachesServers: status.reachesServers)
    if let hasWorker = serving.hasWorker, hasWorker != before.hasWorker {
      routers?.report(.worker, isGood: hasWorker, at: now)
    }
    if let reachesServers = serving.reachesServers, reachesServers != before.reachesServers {
      routers?.report(.servers, isGood: reachesServers, at: now)
    }
    routers?.passTime(at: now)
    if isLeaving, routers?.isStopped == true {
      isLeaving = false
      handle(.terminate)
    }
  }

  var routersDeadline: Instant? {
    let own: Instant?
    switch routers {
    case nil: own = nil
    case .some(let routers): own = routers.deadline
    }
    return [own, serving.deadline].compactMap { $0 }.min()
  }

  /// Hands the addresses over before the listeners go; false when there is nothing to hand over, or when it was asked
  /// for before: a second signal stops at once.
  mutating func leaveFirst() -> Bool {
    guard routers != nil, routers?.isStopped == false, !isLeaving else { return false }
    isLeaving = true
    ServiceNotification.stopping.send()
    ServiceNotification.extendTimeout(Self.leavingBound).send()
    routers?.stop(at: Clock.monotonic())
    return true
  }
}
