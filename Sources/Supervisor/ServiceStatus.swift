import Control
import Roles
import Wire

/// The service as its configuration describes it and its worker has told of it. Pure: moments are handed in.
struct ServiceStatus {
  /// What the worker told last of a server.
  private struct Health {
    var state: ServerChange.State
    var reason: String
    var since: Moment
    /// Nobody knows while a new worker has not checked it yet.
    var isCurrent = true
  }

  private(set) var description: ServiceDescription
  private var health: [String: Health] = [:]
  private var load: Load?
  private var rates = RateWindow()
  /// Of the newest generation that the worker told of, in its order.
  private var certificates: [ServedCertificate] = []
  /// By server.
  private var serverLoads: [String: ServerLoad] = [:]

  init(_ description: ServiceDescription) { self.description = description }

  /// A server's state is as old as its last change, whichever worker found it.
  mutating func note(_ change: ServerChange, at now: Moment) {
    let since = health[change.name].flatMap { $0.state == change.state ? $0.since : nil }
    health[change.name] = Health(state: change.state, reason: change.reason, since: since ?? now)
  }

  mutating func note(_ load: Load, at now: Instant) {
    self.load = load
    rates.note(load, at: now)
  }

  mutating func note(_ certificate: ServedCertificate) {
    certificates.removeAll { $0.generation != certificate.generation }
    certificates.append(certificate)
  }

  mutating func note(_ load: ServerLoad) { serverLoads[load.name] = load }

  /// Another configuration. What is known of servers that it names stays known.
  mutating func adopt(_ description: ServiceDescription) {
    let names = Set(description.servers.map(\.name))
    self.description = description
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
    let known = health.values.filter(\.isCurrent)
    if known.contains(where: { $0.state == .up || $0.state == .drain }) { return true }
    return known.count == description.servers.count ? false : nil
  }

  /// `9 sessions, 12 connections, 4711 requests; servers: 3 of 4 up, view02 down`.
  var line: String {
    var parts: [String] = []
    if let load {
      let sessions = serverLoads.values.reduce(0) { $0 + UInt64($1.sessions) }
      parts.append("\(sessions) sessions, \(load.connections) connections, \(load.requests) requests")
    }
    let known = health.filter(\.value.isCurrent)
    if !known.isEmpty {
      let up = known.count { $0.value.state == .up }
      let others = known.filter { $0.value.state != .up }.sorted { $0.key < $1.key }
        .map { "\($0.key) \($0.value.state)" }
      parts.append((["servers: \(up) of \(description.servers.count) up"] + others).joined(separator: ", "))
    }
    return parts.isEmpty ? "serving" : parts.joined(separator: "; ")
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
