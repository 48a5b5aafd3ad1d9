import Domain
import Wire

/// The status of a service at one moment: the output of `belvedere status`, documented in docs/control.md. In JSON the
/// properties are members; readers skip unknown ones, so that an older command can read a newer service.
package struct StatusReport: Codable, Hashable, Sendable {
  /// The supervisor's state.
  package enum State: String, Codable, Sendable, CaseIterable {
    /// No worker has been ready yet, or a worker that died is being replaced.
    case starting
    case serving
    /// Workers keep dying; the next one starts after a delay.
    case waiting
    case stopping
  }

  /// The machine's host name.
  package var node = ""
  package var version = ""
  /// The supervisor's process ID.
  package var pid: Int64 = 0
  /// When this report was made.
  package var time: WallTime
  /// When the supervisor started.
  package var since: WallTime
  package var state = State.starting
  /// `http` or `passthrough`, or `mixed` where services differ.
  package var mode = ""
  /// Names of all services.
  package var service: [String] = []
  /// Of all services: `*:443`, `192.0.2.1:443`, `*:80 (redirect)` `*:8443 (relay)` or
  /// `*:8443 (relay, UDP)`.
  package var listeners: [String] = []
  /// In the order of the configuration; empty where that has one service without a name.
  package var services: [Service] = []
  /// The services that are in maintenance.
  package var maintenance: [Maintenance] = []
  /// Nil when no worker runs.
  package var worker: Worker?
  package var configuration: Configuration
  package var traffic = Traffic()
  package var counters = Counters()
  package var limits = Limits()
  /// The certificates in use, in the configuration's order; empty in mode `passthrough`, and until the worker has
  /// reported them.
  package var certificates: [ServedCertificate] = []
  /// What certificates of clients are verified with; nil from a service of an earlier release.
  package var authorities: [ClientAuthority]? = []
  /// In the configuration's order, followed by removed servers that still have exchanges.
  package var servers: [Server] = []
  /// In the configuration's order.
  package var routers: [Router] = []
  package var timers = Timers()
  /// Nil without a pair.
  package var pair: Pair?
  /// Running traces (`belvedere trace`); not in what the observer gets.
  package var traces: [Trace] = []
  /// The last warnings and errors, the latest first.
  package var problems: [Problem] = []

  /// Whether a service or a certificate has this host name, itself or by a wildcard. True as well if that is not known.
  package func mayServe(_ name: String) -> Bool {
    let names = service + services.flatMap(\.names) + servers.flatMap(\.names) + certificates.flatMap(\.names)
    guard !names.isEmpty else { return true }
    let parent = name.split(separator: ".", maxSplits: 1).dropFirst().first
    return names.contains { $0.lowercased() == name || parent.map { "*.\($0)" } == $0.lowercased() }
  }

  package init(time: WallTime, since: WallTime, configuration: Configuration) {
    self.time = time
    self.since = since
    self.configuration = configuration
  }

  /// As one line, without line end.
  package var json: String { JSONText.write(self) }

  /// One node's part of the report as one line: of another node what it reports, and this node's report without the
  /// others; nil if there is no such node.
  package func json(of node: String) -> String? {
    isOwn(node) ? withoutPair.json : pair?.nodes.first { $0.name == node }.map { JSONText.write($0) }
  }

  /// Whether this is the name of this node.
  func isOwn(_ node: String) -> Bool { node == pair?.node ?? self.node }

  /// The report as of a node that knows of no other one.
  var withoutPair: StatusReport {
    var report = self
    report.pair = nil
    return report
  }

  /// Takes over what the configuration says of its services.
  package mutating func describe(_ services: [Service]) {
    let modes = Set(services.map(\.mode))
    mode = modes.count > 1 ? "mixed" : modes.first ?? ""
    service = services.flatMap(\.names)
    var seen: Set<String> = []
    listeners = services.flatMap(\.listeners).filter { seen.insert($0).inserted }
    self.services = services.filter { !$0.name.isEmpty }
  }

  /// One of several services.
  package struct Service: Codable, Hashable, Sendable {
    package var name: String
    /// `http` or `passthrough`.
    package var mode: String
    package var names: [String]
    package var listeners: [String]

    package init(name: String, mode: String, names: [String], listeners: [String]) {
      self.name = name
      self.mode = mode
      self.names = names
      self.listeners = listeners
    }
  }

  /// A running trace.
  package struct Trace: Codable, Hashable, Sendable {
    /// Which clients; never the value of a cookie.
    package var subject: String
    /// The process that gets its events.
    package var requester: String
    package var secondsLeft: UInt64
    /// Whether it gets TLS secrets.
    package var hasSecrets: Bool

    package init(subject: String, requester: String, secondsLeft: UInt64, hasSecrets: Bool) {
      self.subject = subject
      self.requester = requester
      self.secondsLeft = secondsLeft
      self.hasSecrets = hasSecrets
    }

    private enum CodingKeys: String, CodingKey {
      case subject, requester
      case secondsLeft = "seconds_left"
      case hasSecrets = "secrets"
    }
  }

  /// A service in maintenance: new requests get a page with 503, tunnels and requests in progress go on.
  package struct Maintenance: Codable, Hashable, Sendable {
    /// Empty where the configuration has no `services`.
    package var service: String
    package var since: WallTime
    /// The node of the pair where it was requested; nil without a pair.
    package var node: String?

    package init(service: String, since: WallTime, node: String? = nil) {
      self.service = service
      self.since = since
      self.node = node
    }
  }

  /// The worker process.
  package struct Worker: Codable, Hashable, Sendable {
    package var pid: Int64
    package var since: WallTime

    package init(pid: Int64, since: WallTime) {
      self.pid = pid
      self.since = since
    }
  }

  /// The active configuration.
  package struct Configuration: Codable, Hashable, Sendable {
    /// Numbers the attempted configurations, from 1.
    package var number: UInt64
    package var since: WallTime
    /// The number of event loops.
    package var threads: UInt64
    /// The number of configurations in memory: the active one, and earlier ones still used by connections. Nil until
    /// the worker has reported it.
    package var inMemory: UInt64?

    package init(number: UInt64, since: WallTime, threads: UInt64) {
      self.number = number
      self.since = since
      self.threads = threads
    }

    private enum CodingKeys: String, CodingKey {
      case number, since, threads
      case inMemory = "in_memory"
    }
  }

  /// The clients' traffic, from the worker's last report.
  package struct Traffic: Codable, Hashable, Sendable {
    /// Open client connections.
    package var connections: UInt64 = 0
    /// Requests and tunnels in progress.
    package var exchanges: UInt64 = 0
    /// Requests since the service started.
    package var requests: UInt64 = 0
    /// Client connections accepted since the service started.
    package var accepted: UInt64 = 0
    /// Over the last ten seconds; nil until measured.
    package var rates: Rates?
    /// Since the service started.
    package var refused = RefusedCounts()
    /// Flows of UDP datagrams in progress.
    package var flows: UInt64 = 0
    /// Since the service started.
    package var datagrams = DatagramCounts()

    private enum CodingKeys: String, CodingKey {
      case connections, exchanges, requests, accepted, refused, flows, datagrams
      case rates = "per_second"
    }
  }

  /// Rates per second.
  package struct Rates: Codable, Hashable, Sendable {
    package var connections: Double
    package var requests: Double

    package init(connections: Double, requests: Double) {
      self.connections = connections
      self.requests = requests
    }
  }

  /// The configured limits.
  package struct Limits: Codable, Hashable, Sendable {
    package var connections: UInt64 = 0
    /// Nil: no limit.
    package var connectionsPerAddress: UInt64?
    /// Flows of UDP datagrams; 0 where none are relayed.
    package var flows: UInt64 = 0
    /// For each server.
    package var queue: UInt64 = 0
    /// The most clients in the affinity table.
    package var clients: UInt64 = 0
    /// Nil without any.
    package var rates: ClientRates?

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case connections, flows, queue, clients, rates
      case connectionsPerAddress = "connections_per_address"
    }
  }

  /// How often one client may connect and ask, as in the configuration; nil: without a rate.
  package struct ClientRates: Codable, Hashable, Sendable {
    package var connections: String?
    package var handshakes: String?
    package var requests: String?
    /// Whether nothing is refused.
    package var isTrial: Bool

    package init(connections: String?, handshakes: String?, requests: String?, isTrial: Bool) {
      self.connections = connections
      self.handshakes = handshakes
      self.requests = requests
      self.isTrial = isTrial
    }

    private enum CodingKeys: String, CodingKey {
      case connections, handshakes, requests
      case isTrial = "trial"
    }
  }
}
