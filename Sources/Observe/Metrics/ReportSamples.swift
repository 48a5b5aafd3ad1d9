import Control
import Domain
import Wire

/// The samples of a status report.
extension Exposition {
  /// `report`: nil while the service does not report. `version`: this binary's. `certificateEnd`: that of the
  /// observer's certificate; nil without TLS.
  package init(_ report: StatusReport?, version: String, certificateEnd: WallTime? = nil) {
    add(Metrics.up, report != nil)
    add(Metrics.observerBuild, true, [version])
    add(Metrics.observerCertificate, certificateEnd)
    guard let report else { return }
    addService(report)
    add(report.traffic, report.limits)
    add(report.counters, maintenance: Set(report.maintenance.map(\.service)))
    for server in report.servers { add(server) }
    addCertificates(of: report)
    for router in report.routers { add(router) }
    if !report.routers.isEmpty {
      add(Metrics.lateTimers, report.timers.late)
      add(Metrics.worstDelay, Double(report.timers.worst) / 1000)
    }
    if let pair = report.pair {
      add(pair)
      add(Metrics.pairReceived, report.counters.pair.received)
      add(Metrics.pairSent, report.counters.pair.sent)
    }
  }

  mutating func add(_ metric: Metric, _ time: WallTime?, _ labels: [String] = []) {
    // Milliseconds: JSON has no more.
    if let time { add(metric, Double(time.milliseconds) / 1000, labels) }
  }

  mutating func add(_ metric: Metric, _ flag: Bool, _ labels: [String] = []) {
    add(metric, flag ? 1 as UInt64 : 0, labels)
  }

  private mutating func addService(_ report: StatusReport) {
    add(Metrics.reported, report.time)
    add(Metrics.build, true, [report.version, report.node])
    add(Metrics.state, state: report.state.rawValue, of: StatusReport.State.allCases.map(\.rawValue))
    add(Metrics.started, report.since)
    add(Metrics.workerUp, report.worker != nil)
    add(Metrics.workerStarted, report.worker?.since)
    add(Metrics.configuration, report.configuration.number)
    add(Metrics.configured, report.configuration.since)
    if let count = report.configuration.inMemory { add(Metrics.configurations, count) }
    add(Metrics.threads, report.configuration.threads)
    add(Metrics.problem, report.problems.map(\.time).max())
  }

  private mutating func add(_ traffic: StatusReport.Traffic, _ limits: StatusReport.Limits) {
    add(Metrics.connections, traffic.connections)
    add(Metrics.connectionLimit, limits.connections)
    add(Metrics.accepted, traffic.accepted)
    add(Metrics.refusedConnections, traffic.refused.connections)
    add(Metrics.exchanges, traffic.exchanges)
    add(Metrics.requests, traffic.requests)
    add(Metrics.refusedRequests, traffic.refused.requests)
    add(Metrics.unroutable, traffic.refused.unroutable)
    add(Metrics.flows, traffic.flows)
    add(Metrics.flowLimit, limits.flows)
    add(Metrics.datagrams, traffic.datagrams.relayed)
    add(Metrics.droppedDatagrams, traffic.datagrams.dropped)
    add(Metrics.clientLimit, limits.clients)
    add(Metrics.queueLimit, limits.queue)
  }

  private static let serverStates = ["up", "drain", "maintenance", "down", "unknown"]

  private mutating func add(_ server: StatusReport.Server) {
    // A removed server may have the name of a new one.
    let name = server.isRemoved ? "\(server.parts.name) (\(server.address))" : String(server.parts.name)
    let labels = [server.parts.service.map(String.init) ?? "", name]
    add(Metrics.serverState, labels, state: server.$state, of: Self.serverStates)
    add(Metrics.serverChanged, server.since, labels)
    add(Metrics.serverWeight, server.weight, labels)
    add(Metrics.serverConfiguredWeight, server.configuredWeight, labels)
    add(Metrics.serverBackup, server.isBackup, labels)
    add(Metrics.serverRemoved, server.isRemoved, labels)
    add(Metrics.serverLimit, server.limit, labels)
    if let load = server.load {
      add(Metrics.serverWeightRatio, Double(load.weightPercent) / 100, labels)
      add(Metrics.serverClients, load.clients, labels)
      add(Metrics.serverSessions, load.sessions, labels)
      add(Metrics.serverExchanges, load.exchanges, labels)
      add(Metrics.serverFlows, load.flows, labels)
      add(Metrics.serverWaiting, load.waiting, labels)
      add(Metrics.serverConnections, load.connections, labels)
    }
    if let counts = server.counts { add(counts, labels) }
    if let check = server.lastCheck {
      add(Metrics.checked, check.time, labels)
      add(Metrics.checkDuration, Double(check.milliseconds) / 1000, labels)
      if let isShown = check.certificate?.isShown { add(Metrics.serverCertificateShown, isShown, labels) }
      add(Metrics.serverCertificateEnd, check.certificate?.notAfter, labels)
    }
  }

  /// Services may use the same file; a series occurs once.
  private mutating func addCertificates(of report: StatusReport) {
    var seen: Set<[String]> = []
    for certificate in report.certificates {
      let labels = [certificate.file, certificate.subject, certificate.fingerprint]
      if seen.insert(labels).inserted { add(Metrics.certificateEnd, certificate.notAfter, labels) }
    }
    // Of two with one name, the first to end.
    for (kind, metric) in [(ClientAuthority.Kind.authority, Metrics.authorityEnd), (.revocationList, Metrics.listEnd)] {
      seen = []
      for authority in report.authorities ?? [] where authority.kind == kind {
        let labels = [authority.service, authority.file, authority.subject]
        if seen.insert(labels).inserted { add(metric, authority.end, labels) }
      }
    }
  }
}
