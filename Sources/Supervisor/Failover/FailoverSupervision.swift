import Control
import Linux
import Logging
import Wire

/// The virtual routers in the supervisor's loop, and what operators ask of them.
extension Supervision {
  mutating func serveRouters(_ events: [SupervisorToken]) { failover.serve(events, poller, at: Clock.monotonic()) }

  mutating func refreshRouters(at now: Instant) {
    failover.refresh(workerState.state, reachesServers: status.reachesServers, poller, at: now)
    noteHandovers()
  }

  mutating func failOver(for bound: Interval, _ asker: OperatorSocket.Asker) {
    guard let names = failover.names else { return reply(.refused([Self.noRouters]), to: asker) }
    guard stop.state == .running else { return reply(.refused([Self.handingOver]), to: asker) }
    handle(failover: .requested(by: asker, staysAway: bound, routers: names.count))
  }

  mutating func failBack(_ asker: OperatorSocket.Asker) {
    guard let names = failover.names else { return reply(.refused([Self.noRouters]), to: asker) }
    log.notice("vrrp: failover --back asked for by \(operators.name(of: asker))")
    failover.routers?.failBack(at: Clock.monotonic())
    reply(.handedOver(names.map { Handover(name: $0, outcome: .back) }), to: asker)
  }

  private mutating func handle(failover event: FailoverRequest.Event) {
    for effect in failover.request.handle(event) {
      switch effect {
      case .failOver(let asker, let bound):
        log.notice("vrrp: failover asked for by \(operators.name(of: asker))")
        failover.routers?.failOver(for: bound, at: Clock.monotonic())
        noteHandovers()
      case .answer(let asker, let outcomes): reply(.handedOver(outcomes), to: asker)
      case .refuse(let asker): reply(.refused([Self.handingOver]), to: asker)
      }
    }
  }

  private mutating func noteHandovers() {
    for (router, outcome) in failover.routers?.takeHandovers() ?? [] {
      handle(failover: .ended(router: router, outcome))
    }
  }

  private static let noRouters = "there is no virtual address here: the configuration has no `vrrp`"
  private static let handingOver = "the addresses are being handed over already"
}
