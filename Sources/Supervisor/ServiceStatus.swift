import Control
import Roles
import Wire

/// The service as its configuration describes it and its worker has told of it. Pure: moments are handed in.
///
/// However much a worker says, and whatever: this holds one state and one load for each server that a configuration
/// names, `certificateLimit` certificates within `certificateBytes`, and ten seconds of rates.
package struct ServiceStatus {
  /// What the worker told last of a server.
  private struct Health {
    var state: ServerChange.State
    var reason: String
    var since: Moment
    /// Nobody knows while a new worker has not checked it yet.
    var isCurrent = true
  }

  /// Reasons are a line; the rest of a longer one is not kept.
  private static let reasonLimit = 1024
  static let certificateLimit = 256
  /// Texts of all certificates. With every character escaped they still fit an answer.
  static let certificateBytes = 1 << 19

  private(set) var description: ServiceDescription
  /// Servers of a configuration that the worker is taking over: it tells of them before it says that it serves.
  private var coming: Set<String> = []
  private var health: [String: Health] = [:]
  private var load: Load?
  private var rates = RateWindow()
  /// Of the newest generation that the worker told of, in its order.
  private var certificates: [ServedCertificate] = []
  /// By server.
  private var serverLoads: [String: ServerLoad] = [:]

  package init(_ description: ServiceDescription) { self.description = description }

  /// Takes what the worker says of the service; what is not about it changes nothing here.
  package mutating func note(_ fact: Fact, at now: Instant, _ moment: Moment) {
    switch fact {
    case .serverChanged(let change): note(change, at: moment)
    case .load(let load): note(load, at: now)
    case .serverLoad(let load): note(load)
    case .certificate(let certificate): note(certificate)
    case .hello, .ready, .refused, .stopped, .obeyed, .problem: break
    }
  }

  /// A server's state is as old as its last change, whichever worker found it.
  mutating func note(_ change: ServerChange, at now: Moment) {
    guard isNamed(change.name) else { return }
    let since = health[change.name].flatMap { $0.state == change.state ? $0.since : nil }
    let reason = String(change.reason.prefix(Self.reasonLimit))
    health[change.name] = Health(state: change.state, reason: reason, since: since ?? now)
  }

  mutating func note(_ load: Load, at now: Instant) {
    self.load = load
    rates.note(load, at: now)
  }

  mutating func note(_ certificate: ServedCertificate) {
    certificates.removeAll { $0.generation != certificate.generation || $0.place == certificate.place }
    let bytes = certificates.reduce(certificate.byteCount) { $0 + $1.byteCount }
    guard certificates.count < Self.certificateLimit, bytes <= Self.certificateBytes else { return }
    certificates.append(certificate)
  }

  mutating func note(_ load: ServerLoad) {
    if isNamed(load.name) { serverLoads[load.name] = load }
  }

  private func isNamed(_ name: String) -> Bool {
    coming.contains(name) || description.servers.contains { $0.name == name }
  }

  /// The worker is asked to take this configuration over; nil: it has not, or is not asked any more.
  mutating func expect(_ next: ServiceDescription?) {
    coming = Set(next?.servers.map(\.name) ?? [])
    if next == nil { forgetUnnamed() }
  }

  /// Another configuration. What is known of servers that it names stays known.
  mutating func adopt(_ description: ServiceDescription) {
    self.description = description
    expect(nil)
  }

  private mutating func forgetUnnamed() {
    let names = Set(description.servers.map(\.name))
    health = health.filter { names.contains($0.key) }
    serverLoads = serverLoads.filter { names.contains($0.key) }
  }

  /// The worker is gone: what it told holds no longer.
  mutating func workerEnded() {
    load = nil
    rates = RateWindow()
    certificates = []
    serverLoads = [:]
    for name in health.keys { health[name]?.isCurrent = false }
  }

  /// Whether any server can be reached; nil while the worker has not told of all of them. One that refuses new clients
  /// counts: it does so to the other node as well.
  var reachesServers: Bool? {
    let known = description.servers.compactMap { health[$0.name] }.filter(\.isCurrent)
    if known.contains(where: { $0.state == .up || $0.state == .drain }) { return true }
    return known.count == description.servers.count ? false : nil
  }

  /// `9 sessions, 12 connections, 4711 requests; servers: 3 of 4 up, view02 down`.
  package var line: String {
    var parts: [String] = []
    if let load {
      let sessions = description.servers.reduce(0) { $0 + UInt64(serverLoads[$1.name]?.sessions ?? 0) }
      parts.append("\(sessions) sessions, \(load.connections) connections, \(load.requests) requests")
    }
    let known = health.filter { name, health in
      health.isCurrent && description.servers.contains { $0.name == name }
    }
    if !known.isEmpty {
      let up = known.count { $0.value.state == .up }
      let others = known.filter { $0.value.state != .up }.sorted { $0.key < $1.key }
        .map { "\($0.key) \($0.value.state)" }
      parts.append((["servers: \(up) of \(description.servers.count) up"] + others).joined(separator: ", "))
    }
    return parts.isEmpty ? "serving" : parts.joined(separator: "; ")
  }

  /// Writes into a report what is known here.
  package func fill(_ report: inout StatusReport) { fill(&report, ServerOrders()) }

  /// How much is remembered: whatever was said, a small number of things.
  package var size: Int { health.count + serverLoads.count + certificates.count + rates.sampleCount }

  /// No `size` is more, with the configuration in force alone.
  package var sizeLimit: Int {
    2 * description.servers.count + Self.certificateLimit + RateWindow.sampleLimit
  }

  /// Writes into a report what is known here, and what operators have ordered.
  func fill(_ report: inout StatusReport, _ orders: ServerOrders) {
    report.mode = description.mode
    report.service = description.names
    report.listeners = description.listeners
    report.limits = description.limits
    if let load {
      report.traffic.connections = UInt64(load.connections)
      report.traffic.exchanges = UInt64(load.exchanges)
      report.traffic.requests = load.requests
      report.traffic.accepted = load.accepted
      report.traffic.rates = rates.rates
      report.traffic.refused = StatusReport.Refused(load.refused)
      report.generation.alive = UInt64(load.generations)
    }
    report.certificates = certificates.map(StatusReport.Certificate.init)
    report.servers = description.servers.map { filled($0, orders) }
  }

  /// A server as a report shows it; nil when the configuration does not name it.
  func server(_ name: String, _ orders: ServerOrders) -> StatusReport.Server? {
    description.servers.first { $0.name == name }.map { filled($0, orders) }
  }

  /// Some server is known to take new clients.
  func takesNewClients(_ orders: ServerOrders) -> Bool {
    description.servers.contains { server in
      let shown = filled(server, orders)
      return shown.state == .up && shown.weight > 0
    }
  }

  private func filled(_ described: StatusReport.Server, _ orders: ServerOrders) -> StatusReport.Server {
    var server = described
    if let health = health[server.name], health.isCurrent {
      server.state = StatusReport.Server.State(health.state)
      server.reason = health.reason
      server.since = health.since
    }
    if let order = orders[server.name] {
      server.order = order
      server.weight = order.weight ?? server.configuredWeight
    }
    server.load = serverLoads[server.name].map(StatusReport.Server.Load.init)
    return server
  }
}

extension StatusReport.Server.Load {
  init(_ load: ServerLoad) {
    self.init(
      clients: UInt64(load.clients), sessions: UInt64(load.sessions), exchanges: UInt64(load.exchanges),
      waiting: UInt64(load.waiting), connections: UInt64(load.connections))
  }
}

extension ServedCertificate {
  /// Of its texts.
  fileprivate var byteCount: Int {
    names.reduce(file.utf8.count + subject.utf8.count + serial.utf8.count + fingerprint.utf8.count) {
      $0 + $1.utf8.count
    }
  }
}

extension StatusReport.Refused {
  init(_ refused: Load.Refused) {
    self.init()
    connections = refused.connections
    handshakes = refused.handshakes
    requests = refused.requests
    unroutable = refused.unroutable
  }
}

extension StatusReport.Certificate {
  init(_ certificate: ServedCertificate) {
    let (milliseconds, overflow) = certificate.notAfter.multipliedReportingOverflow(by: 1000)
    self.init(notAfter: min(overflow ? .last : Moment(milliseconds: milliseconds), .last))
    file = certificate.file
    subject = certificate.subject
    names = certificate.names
    serial = certificate.serial
    fingerprint = certificate.fingerprint
  }
}

extension StatusReport.Server.State {
  init(_ state: ServerChange.State) {
    switch state {
    case .up: self = .up
    case .drain: self = .drain
    case .maintenance: self = .maintenance
    case .down: self = .down
    }
  }
}
