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
  /// What is reported of one server.
  struct Server: Sendable {
    let identity: ServerIdentity
    let load: ServerLoad
    let check: ServerCheck?
    let counts: ServerCounts
  }

  let load: Load
  let servers: [Server]
  let services: [(name: String, figures: ServiceFigures)]
  let counts: WorkerCounts
  /// By the loop's index.
  let loops: [LoopCounts]

  /// `others`: counts of the worker's threads other than loops.
  init(
    _ sharedState: SharedState, _ snapshot: ConfigurationSnapshot, _ metrics: [LoopFigures.Metrics],
    _ others: WorkerCounts
  ) {
    let figures = metrics.prefix(sharedState.loopCount).map(\.latest)
    let total = figures.reduce(into: Counters()) { $0.add($1.counters) }
    loops = figures.map(\.counters.loop)
    var counts = total.worker
    counts.add(others)
    self.counts = counts
    services = snapshot.services.map { ($0.settings.name, ServiceFigures(of: $0, figures)) }
    servers = Self.servers(sharedState, snapshot, figures)
    load = Load(
      connections: UInt32(clamping: sharedState.connectionCount),
      exchanges: UInt32(clamping: servers.reduce(0) { $0 + $1.load.exchanges }),
      snapshots: UInt32(clamping: sharedState.snapshotCount), requests: total.requests,
      accepted: total.connections, refused: total.refused,
      flows: UInt32(clamping: sharedState.flowCount),
      datagrams: total.datagrams)
  }

  private static func servers(
    _ sharedState: SharedState, _ snapshot: ConfigurationSnapshot, _ figures: [LoopFigures]
  ) -> [Server] {
    let now = Clock.monotonic()
    let affinity = Dictionary(
      snapshot.services.map { ($0.settings.name, $0.backend.affinity.tally(at: now)) }
    ) { first, _ in first }
    let named = snapshot.indexedServers
    let names = Set(snapshot.servers.map(\.name))
    return (snapshot.servers + sharedState.removedServers).enumerated().map { index, server in
      // Clients are assigned to a server's name: they are counted at the address that it has now.
      let isShown = index < named.count || !names.contains(server.name)
      let assigned = isShown ? affinity[server.service]?[server.id] : nil
      let (identity, occupancy, count) = (server.identity, server.occupancy, assigned ?? AffinityCount())
      let percent =
        index < named.count && server.state == .up
        ? named[index].service.backend.weightPercent(of: named[index].server, at: now) : 100
      let load = ServerLoad(
        clients: UInt64(clamping: count.clients), sessions: UInt64(clamping: count.sessions),
        exchanges: UInt64(clamping: occupancy.active), flows: UInt64(clamping: server.flowCount),
        waiting: UInt64(clamping: occupancy.waiting),
        connections: UInt64(clamping: figures.reduce(0) { $0 + ($1.connections[identity] ?? 0) }),
        weightPercent: UInt64(clamping: percent))
      let checks = server.checks
      var counts = figures.reduce(into: ServerCounts()) { $0.add($1.servers[server.slot.key]) }
      (counts.checks, counts.failedChecks) = (checks.completed, checks.failed)
      return Server(identity: identity, load: load, check: checks.last, counts: counts)
    }
  }

  /// The events for all that differs from what was sent before. After a reload all counters are sent: the supervisor has
  /// forgotten those of servers and services that it did not know in between.
  func events(since sent: WorkerFigures?, isAfterReload: Bool) -> [WorkerEvent] {
    var events: [WorkerEvent] = [.load(load)]
    var earlier = Dictionary((sent?.servers ?? []).map { ($0.identity, $0) }) { first, _ in first }
    for server in servers {
      let known = earlier.removeValue(forKey: server.identity)
      if server.load != known?.load { events.append(.serverLoad(server.load, of: server.identity)) }
      if let check = server.check, check != known?.check { events.append(.serverCheck(check, of: server.identity)) }
      if isAfterReload || server.counts != known?.counts {
        events.append(.serverCounts(server.counts, of: server.identity))
      }
    }
    // Dropped, or under another name by now.
    let none = ServerLoad(clients: 0, sessions: 0, exchanges: 0, waiting: 0, connections: 0)
    for identity in earlier.keys { events.append(.serverLoad(none, of: identity)) }
    let known = Dictionary((sent?.services ?? []).map { ($0.name, $0.figures) }) { first, _ in first }
    for (name, figures) in services where isAfterReload || figures != known[name] {
      events.append(.serviceFigures(figures, service: name))
    }
    if counts != sent?.counts { events.append(.workerCounts(counts)) }
    for (index, counts) in loops.enumerated() where index >= (sent?.loops.count ?? 0) || counts != sent?.loops[index] {
      events.append(.loopCounts(counts, loop: UInt16(clamping: index)))
    }
    return events
  }
}

extension ServiceFigures {
  fileprivate init(of service: ServiceSnapshot, _ figures: [LoopFigures]) {
    let affinity = service.backend.affinity
    var counts = ServiceCounts()
    for loop in figures { counts.add(loop.services[service.counters]) }
    counts.evictedClients = affinity.evictions
    self.init(
      connections: UInt64(clamping: service.shared.connectionCount), clients: UInt64(clamping: affinity.count),
      counts: counts)
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

extension ConfigurationSnapshot {
  /// What clients' certificates are verified with, for the status: of each service and kind the first to end, then the
  /// others, since only so many are reported.
  var clientAuthorities: [ClientAuthority] {
    let all = services.flatMap { service -> [ClientAuthority] in
      guard let settings = service.settings.tls.clientCertificates, let verification = service.front?.verification
      else { return [] }
      var all: [ClientAuthority] = []
      func add(_ kind: ClientAuthority.Kind, _ subject: String, _ end: WallTime?, in file: String) {
        var authority = ClientAuthority(kind)
        (authority.service, authority.isRequired) = (service.settings.name, settings.isRequired)
        (authority.file, authority.subject, authority.end) = (file, subject, end)
        all.append(authority)
      }
      for authority in verification.authorities {
        add(.authority, authority.subject, authority.notAfter, in: settings.authorities)
      }
      for list in verification.revocationLists {
        add(.revocationList, list.issuer, list.nextUpdate, in: settings.revocationLists ?? "")
      }
      return all
    }.sorted { ($0.end ?? .last) < ($1.end ?? .last) }
    var seen: Set<[String]> = []
    let isFirst = all.map { seen.insert([$0.service, $0.kind.rawValue]).inserted }
    return zip(all, isFirst).filter(\.1).map(\.0) + zip(all, isFirst).filter { !$0.1 }.map(\.0)
  }
}
