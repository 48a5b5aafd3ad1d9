import Balancing
import Configuration
import Domain
import Linux
import WorkerProtocol
import Systemd
import TLS
import Wire

/// The metrics of the whole worker, for the supervisor.
struct WorkerFigures: Sendable {
  let load: Load
  let servers: [(identity: ServerIdentity, load: ServerLoad, check: ServerCheck?)]

  init(_ sharedState: SharedState, _ snapshot: ConfigurationSnapshot, _ metrics: [LoopFigures.Metrics]) {
    let total = metrics.reduce(into: LoopFigures()) { $0 += $1.latest }
    let now = Clock.monotonic()
    let affinity = Dictionary(
      snapshot.services.map { ($0.settings.name, $0.backend.affinity.tally(at: now)) }
    ) { first, _ in first }
    let named = snapshot.indexedServers
    let names = Set(snapshot.servers.map(\.name))
    servers = (snapshot.servers + sharedState.removedServers).enumerated().map { index, server in
      // Clients are assigned to a server's name: they are counted at the address that it has now.
      let isShown = index < named.count || !names.contains(server.name)
      let assigned = isShown ? affinity[server.service]?[server.id] : nil
      let (occupancy, count) = (server.occupancy, assigned ?? AffinityCount())
      let percent =
        index < named.count && server.state == .up
        ? named[index].service.backend.weightPercent(of: named[index].server, at: now) : 100
      let load = ServerLoad(
        clients: UInt64(clamping: count.clients), sessions: UInt64(clamping: count.sessions),
        exchanges: UInt64(clamping: occupancy.active), flows: UInt64(clamping: server.flowCount),
        waiting: UInt64(clamping: occupancy.waiting),
        connections: UInt64(clamping: total.connections[server.identity] ?? 0),
        weightPercent: UInt64(clamping: percent))
      return (server.identity, load, server.lastCheck)
    }
    load = Load(
      connections: UInt32(clamping: sharedState.connectionCount),
      exchanges: UInt32(clamping: servers.reduce(0) { $0 + $1.load.exchanges }),
      snapshots: UInt32(clamping: sharedState.snapshotCount), requests: total.counters.requests,
      accepted: total.counters.connections, refused: total.counters.refused,
      flows: UInt32(clamping: sharedState.flowCount),
      datagrams: total.counters.datagrams)
  }
}

extension ServedCertificate {
  init(_ pair: CertificatePair) {
    let facts = pair.facts
    self.init(notAfter: facts.notAfter)
    file = pair.origin
    subject = facts.subject
    names = facts.names + facts.addresses
    serial = facts.serialNumber
    fingerprint = "\(facts.fingerprint)"
  }
}
