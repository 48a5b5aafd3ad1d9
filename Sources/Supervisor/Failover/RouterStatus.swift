import Configuration
import Control
import Domain
import Linux
import Pair
import VRRP
import Wire

/// The virtual routers in a report.
extension VirtualRouters {
  func fill(_ report: inout StatusReport) {
    let now = Clock.monotonic()
    report.timers.late = timerSlip.count
    report.timers.worst = timerSlip.longest.milliseconds
    report.routers = instances.indices.map { index in
      let router = routerSet.routers[index]
      let plan = instances[index].plan
      func moment(_ instant: Instant) -> WallTime { report.time - (now - instant) }
      var shown = StatusReport.Router(
        name: plan.router.name, interface: plan.router.interface, identifier: UInt64(plan.settings.identifier),
        since: moment(router.since ?? now))
      shown.version = UInt64(plan.settings.version.number)
      shown.state = router.role
      shown.priority = UInt64(router.priority)
      shown.configuredPriority = UInt64(plan.settings.priority)
      shown.priorityReductions = router.priorityReductions
      shown.faults = router.faults
      shown.addresses = plan.settings.addresses.map(\.description)
      shown.holdsAddresses = router.holdsAddresses
      shown.lease = plan.settings.lease.milliseconds / 1000
      shown.peer = router.peer.map {
        .init(address: "\($0.address)", priority: UInt64($0.priority), heard: moment($0.heardAt))
      }
      shown.duplicateActive = router.duplicateActive.map { "\($0)" }
      shown.unheardPeer = router.unheardPeer
      fillCounters(of: index, &shown)
      return shown
    }
  }

  /// For the pair's other nodes.
  var roles: [NodeVitals.Router] {
    instances.indices.map { index in
      let router = routerSet.routers[index]
      return .init(
        name: instances[index].plan.router.name, role: router.role, priority: router.priority,
        identifier: router.settings.identifier, source: instances[index].source, isSettled: router.isSettled)
    }
  }

  /// `router-51 active, router-52 backup`.
  var line: String {
    instances.indices.map { "\(instances[$0].plan.router.name) \(routerSet.routers[$0].role)" }.joined(separator: ", ")
  }

  private func fillCounters(of index: Int, _ shown: inout StatusReport.Router) {
    let channel = instances[index].channel
    shown.sent = channel.sent
    shown.received = channel.received
    // Packets for other virtual routers are not errors.
    shown.rejected = channel.rejected.nonZero.filter { $0.kind != .virtualRouter }
      .map { .init(kind: $0.kind.rawValue, count: $0.count) }
    let counters = routerSet.routers[index].counters
    shown.becameActive = counters.becameActive
    shown.becameBackup = counters.becameBackup
    shown.becameFault = counters.becameFault
  }
}

extension VirtualRouters {
  /// Hands all addresses over and stays withdrawn for at most this long; nil: fails back. `takeHandovers` returns the
  /// outcome.
  mutating func failOver(for bound: Interval?, at now: Instant) {
    perform(routerSet.handle(bound.map { .failOver(for: $0) } ?? .failBack, at: now), at: now)
  }

  /// The outcomes since the last call.
  mutating func takeHandovers() -> [(router: Int, outcome: Handover)] {
    defer { handovers = [] }
    return handovers
  }

  var names: [String] { instances.map(\.plan.router.name) }
}
