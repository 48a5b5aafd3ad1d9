import Control
import Linux
import Logging
import Systemd
import VRRP
import Wire

/// The virtual routers' part of the supervisor's loop.
extension Supervision {
  /// How long a stop waits for the addresses to be handed over, which takes 1.2 s at most, and for the hooks.
  private static let leavingBound = Interval.seconds(3)

  static func routers(
    of plan: ServicePlan, digest: @escaping KeyedAuthentication.Digest, control: String, poller: borrowing Poller,
    log: Logger
  ) throws(SystemError) -> VirtualRouters? {
    guard !plan.routers.isEmpty else { return nil }
    return try VirtualRouters(
      plan.routers, digest: digest, leaseFile: LeaseFile(besides: control), notifier: plan.notifier, poller: poller,
      log: log)
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

  mutating func serveRouters(_ events: [SupervisorToken]) {
    guard routers != nil else { return }
    let now = Clock.monotonic()
    routers?.serve(events, poller, at: now)
    routers?.passTime(poller, at: now)
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
    routers?.passTime(poller, at: now)
    answerHandover()
    let isDone = routers?.isStopped == true && routers?.areHooksDone == true
    if let leavingUntil, isDone || now >= leavingUntil {
      self.leavingUntil = nil
      handle(.terminate)
    }
  }

  var routersDeadline: Instant? {
    let own: Instant?
    switch routers {
    case nil: own = nil
    case .some(let routers): own = routers.deadline
    }
    return [own, serving.deadline, leavingUntil].compactMap { $0 }.min()
  }

  /// `router-51 active`: what the virtual routers are, for the service's line.
  var routersLine: String? {
    switch routers {
    case nil: nil
    case .some(let routers): routers.line
    }
  }

  /// Hands the addresses over before the listeners go; false when there is nothing to hand over, or when it was asked
  /// for before: a second signal stops at once.
  mutating func leaveFirst() -> Bool {
    guard routers != nil, routers?.isStopped == false, leavingUntil == nil else { return false }
    let now = Clock.monotonic()
    leavingUntil = now + Self.leavingBound
    ServiceNotification.stopping.send()
    ServiceNotification.extendTimeout(Self.leavingBound).send()
    routers?.stop(at: now)
    return true
  }

  // MARK: operators

  mutating func failOver(for bound: Interval, _ asker: OperatorSocket.Asker) {
    guard let names = routers?.names else { return reply(.refused([Self.noRouters]), to: asker) }
    guard handover == nil, leavingUntil == nil else {
      return reply(.refused(["the addresses are being handed over already"]), to: asker)
    }
    log.notice("vrrp: failover asked for by \(operators.name(of: asker))")
    handover = PendingHandover(asker, routers: names.count)
    routers?.failOver(for: bound, at: Clock.monotonic())
    answerHandover()
  }

  mutating func failBack(_ asker: OperatorSocket.Asker) {
    guard let names = routers?.names else { return reply(.refused([Self.noRouters]), to: asker) }
    log.notice("vrrp: failover --back asked for by \(operators.name(of: asker))")
    routers?.failBack(at: Clock.monotonic())
    reply(.handedOver(names.map { Handover(name: $0, outcome: .back) }), to: asker)
  }

  /// Tells the operator once every virtual router's outcome is known.
  private mutating func answerHandover() {
    for (router, outcome) in routers?.takeHandovers() ?? [] { handover?.note(outcome, of: router) }
    guard let pending = handover, let outcomes = pending.complete else { return }
    handover = nil
    reply(.handedOver(outcomes), to: pending.asker)
  }

  private static let noRouters = "there is no virtual address here: the configuration has no `vrrp`"
}
