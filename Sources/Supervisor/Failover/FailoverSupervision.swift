import Control
import Linux
import Logging
import Wire

/// The virtual routers in the supervisor's loop, and failover requests.
extension Supervision {
  mutating func serveRouters(_ events: [SupervisorToken]) { failover.serve(events, poller, at: Clock.monotonic()) }

  mutating func refreshRouters(at now: Instant) {
    failover.refresh(workerState.state, hasReachableServer: status.hasReachableServer, poller, at: now)
    noteHandovers()
  }

  /// Nil: fails back.
  mutating func failOver(for bound: Interval?, _ requester: OperatorSocket.Requester) {
    guard let names = failover.names else { return reply(.refused([Self.noRouters]), to: requester) }
    guard stop.state == .running else { return reply(.refused([Self.handingOver]), to: requester) }
    handle(failover: .requested(by: requester, staysAway: bound, routers: names.count))
  }

  private mutating func handle(failover event: FailoverRequest.Event) {
    for effect in failover.request.handle(event) {
      switch effect {
      case .failOver(let requester, let bound):
        let name = operators.name(of: requester)
        if bound == nil {
          log.notice("vrrp: failover --back requested by \(name)")
        } else {
          log.notice("vrrp: failover requested by \(name)")
        }
        failover.routers?.failOver(for: bound, at: Clock.monotonic())
        noteHandovers()
      case .answer(let requester, let outcomes): reply(.handedOver(outcomes), to: requester)
      case .refuse(let requester): reply(.refused([Self.handingOver]), to: requester)
      }
    }
  }

  private mutating func noteHandovers() {
    for (router, outcome) in failover.routers?.takeHandovers() ?? [] {
      handle(failover: .ended(router: router, outcome))
    }
  }

  private static let noRouters = "there is no virtual address here: the configuration has no `vrrp`"
  private static let handingOver = "another failover, there or back, is under way: try again in some seconds"
}
