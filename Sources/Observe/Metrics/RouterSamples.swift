import Control
import Domain
import Wire

/// The samples of virtual routers and of a pair.
extension Exposition {
  private static let routerStates = VirtualRouterRole.allCases.map(\.rawValue)

  mutating func add(_ router: StatusReport.Router) {
    let labels = [router.name, router.interface, "\(router.identifier)"]
    add(Metrics.routerState, labels, state: router.state.rawValue, of: Self.routerStates)
    add(Metrics.routerChanged, router.since, labels)
    add(Metrics.priority, router.priority, labels)
    add(Metrics.configuredPriority, router.configuredPriority, labels)
    add(Metrics.holdsAddresses, router.holdsAddresses, labels)
    add(Metrics.faults, UInt64(router.faults.count), labels)
    add(Metrics.reductions, UInt64(router.priorityReductions.count), labels)
    add(Metrics.duplicate, router.duplicateActive != nil, labels)
    add(Metrics.unheard, router.unheardPeer != nil, labels)
    if let peer = router.peer {
      add(Metrics.peerPriority, peer.priority, labels)
      add(Metrics.peerHeard, peer.heard, labels)
    }
    add(Metrics.transitions, router.becameActive, labels + ["active"])
    add(Metrics.transitions, router.becameBackup, labels + ["backup"])
    add(Metrics.transitions, router.becameFault, labels + ["fault"])
    add(Metrics.sent, router.sent, labels)
    add(Metrics.received, router.received, labels)
    for rejection in router.rejected { add(Metrics.rejected, rejection.count, labels + [rejection.kind]) }
  }

  mutating func add(_ pair: StatusReport.Pair) {
    for node in pair.nodes {
      if node.name != pair.node {
        add(Metrics.nodeUp, node.answers, [node.name])
        add(Metrics.nodeHeard, node.heard, [node.name])
      }
      // What it reported before it stopped answering is not current.
      if node.answers { addDetails(of: node) }
    }
    let groups = Dictionary(grouping: pair.differences) { [$0.node, $0.subject] }
    for (labels, differences) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      add(Metrics.differences, UInt64(differences.count), labels)
    }
  }

  private mutating func addDetails(of node: StatusReport.Node) {
    if let difference = node.clockDifference {
      add(Metrics.clockDifference, Double(difference) / 1000, [node.name])
    }
    if let sessions = node.sessions { add(Metrics.nodeSessions, sessions, [node.name]) }
    if let connections = node.connections { add(Metrics.nodeConnections, connections, [node.name]) }
    for router in node.routers {
      add(Metrics.nodePriority, router.priority, [node.name, router.name])
      add(Metrics.nodeState, [node.name, router.name], state: router.state.rawValue, of: Self.routerStates)
    }
    for service in node.services {
      add(Metrics.nodeServers, UInt64(service.servers), [node.name, service.name])
      add(Metrics.nodeReached, UInt64(service.healthy), [node.name, service.name])
    }
  }
}
