import Balancing
import Domain
import Linux
import WorkerProtocol
import Systemd
import TLS

/// What is measured of the whole worker at one moment, for the supervisor.
struct WorkerFigures: Sendable {
  let load: Load
  let servers: [ServerLoad]

  /// `dropped` are servers of which nothing is left since they were measured last.
  init(
    _ sharedState: SharedState, _ snapshot: ConfigurationSnapshot, _ boards: [LoopFigures.Board],
    dropped: [SharedServer] = []
  ) {
    let shown = boards.map(\.shown)
    let affinity = sharedState.affinity.tally(at: Clock.monotonic())
    let named = snapshot.backend.servers
    let names = Set(named.map(\.id))
    servers = (named + sharedState.removedServers + dropped).enumerated().map { index, server in
      // Clients are assigned to a name: the address that it has now shows them.
      let isShown = index < named.count || !names.contains(server.id)
      let (occupancy, assigned) = (server.occupancy, (isShown ? affinity[server.id] : nil) ?? AffinityCount())
      return ServerLoad(
        name: server.name, endpoint: server.place.endpoint, clients: UInt32(clamping: assigned.clients),
        sessions: UInt32(clamping: assigned.sessions), exchanges: UInt32(clamping: occupancy.active),
        waiting: UInt32(clamping: occupancy.waiting),
        connections: UInt32(clamping: shown.reduce(0) { $0 + ($1.connections[server.place] ?? 0) }))
    }
    let counted = shown.reduce(Counters()) { $0 + $1.counters }
    load = Load(
      connections: UInt32(clamping: sharedState.connectionCount),
      exchanges: UInt32(clamping: servers.reduce(0) { $0 + UInt64($1.exchanges) }),
      generations: UInt32(clamping: sharedState.generationCount), requests: counted.requests,
      accepted: counted.connections,
      refused: Load.Refused(
        connections: counted.refusedConnections, handshakes: counted.failedHandshakes,
        requests: counted.refusedRequests, unroutable: counted.unroutable))
  }
}

extension ServedCertificate {
  init(_ pair: CertificatePair, place: Int, generation: UInt64) {
    let facts = pair.facts
    self.init(
      generation: generation, place: UInt16(clamping: place), file: pair.origin, subject: facts.subject,
      serial: facts.serialNumber, fingerprint: "\(facts.fingerprint)", notAfter: UInt64(clamping: facts.notAfter),
      names: facts.names + facts.addresses)
  }
}

extension Problem {
  init(_ entry: ProblemList.Entry) { self.init(time: entry.time, count: entry.count, text: entry.text) }
}
