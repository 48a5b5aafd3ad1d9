import Control
import Domain
import WorkerProtocol
import Wire

/// The status of the service: its configuration's description, and what its worker has reported. Pure: time is a
/// parameter.
///
/// Memory is bounded whatever the worker sends: one state, one load and one check for each server that a configuration
/// names or has named, `ReportedCertificates`, and ten seconds of rates.
package struct ServiceStatus {
  /// The worker's last report on a server.
  private struct Health {
    var state: ServerState
    var reason: String
    var since: WallTime
    /// False until a new worker has checked the server.
    var isCurrent = true
  }

  /// The longest reason; the rest is cut off.
  private static let reasonLimit = 1024
  /// The most removed servers; reports on others are ignored.
  static let removedLimit = 64

  private(set) var description: ServiceDescription
  /// Servers that reloads have removed, shown as long as they have exchanges: busy servers first, then the latest
  /// removed.
  private var removed: [StatusReport.Server] = []
  /// Servers of the configuration that the worker is loading: it reports them before it reports that it serves.
  private var coming: Set<ServerIdentity> = []
  private var comingServices: Set<String> = []
  /// All servers that reports are accepted for.
  private var known: Set<ServerIdentity>
  private var health: [ServerIdentity: Health] = [:]
  private var load: Load?
  private var rates = RateWindow()
  private var certificates = ReportedCertificates()
  private var serverLoads: [ServerIdentity: ServerLoad] = [:]
  private var totals = CounterTotals()
  private var checks: [ServerIdentity: ServerCheck] = [:]

  /// Starts with no server state known.
  package init(_ description: ServiceDescription) {
    self.description = description
    known = Set(description.servers.map(\.identity))
    forgetUnknown()
  }

  /// How many servers the worker may report.
  var serverCount: Int { known.count }

  /// Handles a report of the worker; other events are ignored.
  package mutating func note(_ event: WorkerEvent, at now: Instant, _ moment: WallTime) {
    switch event {
    case .serverChanged(let change): note(change, at: moment)
    case .load(let load): note(load, at: now)
    case .serverLoad(let load, let identity): note(load, of: identity)
    case .serverCheck(let check, let identity): note(check, of: identity)
    case .certificate(let certificate, let index, let number):
      certificates.note(certificate, at: index, of: number)
    case .clientAuthority(let authority, let index, let number):
      certificates.note(authority, at: index, of: number)
    case .serverCounts, .serviceFigures, .workerCounts, .loopCounts: totals.note(event)
    case .hello, .ready, .refused, .stopped, .applied, .problem, .tablesReceived, .adminState, .nodeFacts, .nodeVitals,
      .stream, .traced:
      break
    }
  }

  /// `since` stays the same while the state does, also across workers.
  mutating func note(_ change: ServerChange, at now: WallTime) {
    guard known.contains(change.identity) else { return }
    let since = health[change.identity].flatMap { $0.state == change.state ? $0.since : nil }
    let reason = String(change.reason.prefix(Self.reasonLimit))
    health[change.identity] = Health(state: change.state, reason: reason, since: since ?? now)
  }

  mutating func note(_ load: Load, at now: Instant) {
    self.load = load
    totals.note(.load(load))
    rates.note(load, at: now)
  }

  mutating func note(_ load: ServerLoad, of identity: ServerIdentity) {
    if known.contains(identity) { serverLoads[identity] = load }
  }

  mutating func note(_ check: ServerCheck, of identity: ServerIdentity) {
    guard known.contains(identity) else { return }
    checks[identity] = check
    checks[identity]?.result = String(check.result.prefix(Self.reasonLimit))
  }

  /// The configuration that the worker loads; nil: the reload was refused.
  mutating func expect(_ description: ServiceDescription?) {
    coming = Set((description?.servers ?? []).map(\.identity))
    comingServices = Set((description?.services ?? []).map(\.name))
    forgetUnknown()
  }

  /// Switches to another configuration. States of its servers and of removed ones are kept.
  mutating func adopt(_ description: ServiceDescription) {
    let named = Set(description.servers.map(\.identity))
    let gone = (self.description.servers + removed).filter { !named.contains($0.identity) }
    removed = Array((gone.filter(isBusy) + gone.filter { !isBusy($0) }).prefix(Self.removedLimit))
    self.description = description
    (coming, comingServices) = ([], [])
    forgetUnknown()
  }

  private mutating func forgetUnknown() {
    let counted = coming.union(description.servers.map(\.identity))
    known = counted.union(removed.map(\.identity))
    totals.keep(counted, comingServices.union(description.services.map(\.name)))
    health = health.filter { known.contains($0.key) }
    serverLoads = serverLoads.filter { known.contains($0.key) }
    checks = checks.filter { known.contains($0.key) }
  }

  /// The worker has ended; its reports are no longer valid.
  mutating func workerEnded() {
    load = nil
    rates = RateWindow()
    certificates = ReportedCertificates()
    serverLoads = [:]
    checks = [:]
    // The exchanges at removed servers ended with it.
    removed = []
    (coming, comingServices) = ([], [])
    totals.workerEnded()
    forgetUnknown()
    for identity in health.keys { health[identity]?.isCurrent = false }
  }

  mutating func workerStarted() { totals.workerStarted() }

  /// The state of each configured server; nil until the worker has reported it.
  var serverStates: [(name: String, state: ServerState?)] {
    description.servers.map { ($0.name, state(of: $0)) }
  }

  /// Whether a server of the service is up, as its last check says. An empty name is that of the only service.
  func isConfirmed(service: String) -> Bool {
    description.servers.contains { server in
      guard state(of: server) == .up, checks[server.identity]?.isConfirming == true else { return false }
      return (server.parts.service ?? "") == service
    }
  }

  private func weight(of server: StatusReport.Server, _ admin: AdminState?) -> UInt64 {
    admin?.weight.map { UInt64($0) } ?? server.configuredWeight
  }

  private func state(of server: StatusReport.Server) -> ServerState? {
    health[server.identity].flatMap { $0.isCurrent ? $0.state : nil }
  }

  /// The clients that are connected with a server, and all connections of clients.
  var occupancy: (sessions: UInt64, connections: UInt64) {
    let sessions = description.servers.reduce(0) { $0 + (serverLoads[$1.identity]?.sessions ?? 0) }
    return (sessions, UInt64(load?.connections ?? 0))
  }

  /// Each with its index among the configuration's certificates.
  var servedCertificates: [(index: Int, certificate: ServedCertificate)] {
    certificates.served.map { (Int($0.index), $0.element) }
  }

  /// Whether any server is reachable; nil until the worker has reported all of them. A server in drain counts: it is in
  /// drain on the other node too.
  var hasReachableServer: Bool? {
    let states = serverStates.map(\.state)
    if states.contains(where: { $0?.takesKnownClients == true }) { return true }
    return states.contains(nil) ? nil : false
  }

  /// `9 sessions, 12 connections, 4711 requests; servers: 3 of 4 up, view02 down`.
  package var line: String {
    var parts: [String] = []
    if let load {
      parts.append("\(occupancy.sessions) sessions, \(load.connections) connections, \(totals.requests) requests")
    }
    let known = serverStates.compactMap { server in server.state.map { (name: server.name, state: $0) } }
    if !known.isEmpty {
      let up = known.count { $0.state == .up }
      let others = known.filter { $0.state != .up }.sorted { $0.name < $1.name }.map { "\($0.name) \($0.state)" }
      parts.append((["servers: \(up) of \(description.servers.count) up"] + others).joined(separator: ", "))
    }
    return parts.isEmpty ? "serving" : parts.joined(separator: "; ")
  }

  /// Fills in the part of a report that is known here.
  package func fill(_ report: inout StatusReport) { fill(&report, AdminStates()) }

  /// The number of stored items, whatever was reported.
  package var size: Int {
    health.count + serverLoads.count + checks.count + certificates.count + rates.sampleCount + totals.size
  }

  /// The upper bound of `size`, with only the active configuration.
  package var sizeLimit: Int {
    4 * (description.servers.count + Self.removedLimit) + CounterTotals.loopLimit
      + WorkerEvent.certificateLimit + RateWindow.sampleLimit
  }

  /// Fills in the part of a report that is known here, with the servers' administrative states.
  func fill(_ report: inout StatusReport, _ adminStates: AdminStates) {
    report.describe(description.services)
    report.limits = description.limits
    totals.fill(&report, description.services.map(\.name))
    report.maintenance = description.services.compactMap { service in
      adminStates[AdminSubject.service(service.name).key].map { state in
        StatusReport.Maintenance(service: service.name, since: state.since, node: state.node)
      }
    }
    let waiting = waiting
    for (index, service) in report.counters.services.enumerated() {
      report.counters.services[index].clientLimit = description.clientLimits[service.name] ?? 0
      report.counters.services[index].waiting = waiting[service.name[...]] ?? 0
    }
    if let load {
      report.traffic.connections = UInt64(load.connections)
      report.traffic.exchanges = UInt64(load.exchanges)
      report.traffic.rates = rates.rates
      report.traffic.flows = UInt64(load.flows)
      report.configuration.inMemory = UInt64(load.snapshots)
    }
    report.certificates = certificates.served.map(\.element)
    report.authorities = certificates.clientAuthorities
    report.servers = description.servers.map { filled($0, adminStates) }
    for server in removed where isBusy(server) {
      var shown = filled(server, adminStates)
      shown.isRemoved = true
      report.servers.append(shown)
    }
  }

  /// The servers whose certificate is not the one that clients are shown, while it is to be.
  var otherCertificates: [String] {
    description.servers.filter { checks[$0.identity]?.certificate?.isShown == false }.map(\.name)
  }

  /// The requests in the queues of each service's servers.
  private var waiting: [Substring: UInt64] {
    description.servers.reduce(into: [:]) { sums, server in
      sums[server.parts.service ?? "", default: 0] += serverLoads[server.identity]?.waiting ?? 0
    }
  }

  /// The name of a server with that of its service, which may be left out where one service alone has such a server; nil
  /// when there is none, or more than one.
  func fullName(of name: String) -> String? {
    if description.servers.contains(where: { $0.name == name }) { return name }
    let namesakes = namesakes(of: name)
    return namesakes.count == 1 ? namesakes[0] : nil
  }

  /// The full names of all servers of this name, whatever their service.
  func namesakes(of name: String) -> [String] {
    description.servers.filter { $0.parts.name == name }.map(\.name)
  }

  /// A server as in a report; nil when it is not configured.
  func server(_ name: String, _ adminStates: AdminStates) -> StatusReport.Server? {
    description.servers.first { $0.name == name }.map { filled($0, adminStates) }
  }

  /// Whether any server of this one's service, itself included, is up and accepts new clients.
  func takesNewClients(insteadOf server: StatusReport.Server, _ adminStates: AdminStates) -> Bool {
    description.servers.contains { other in
      guard state(of: other) == .up, other.parts.service == server.parts.service else { return false }
      return weight(of: other, adminStates[other.name]) > 0
    }
  }

  /// Whether it has exchanges, running or queued.
  private func isBusy(_ server: StatusReport.Server) -> Bool {
    serverLoads[server.identity].map { $0.exchanges > 0 || $0.waiting > 0 } == true
  }

  private func filled(_ described: StatusReport.Server, _ adminStates: AdminStates) -> StatusReport.Server {
    var server = described
    if let health = health[server.identity], health.isCurrent {
      server.state = health.state
      server.reason = health.reason
      server.since = health.since
    }
    if let admin = adminStates[server.name] {
      server.adminState = admin
      server.weight = weight(of: server, admin)
    }
    server.load = serverLoads[server.identity]
    server.counts = totals.counts(of: server.identity)
    server.lastCheck = checks[server.identity]
    return server
  }
}
