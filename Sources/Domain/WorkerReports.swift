import Wire

// What a worker reports to the supervisor, for the status.

/// The load of one server, measured about once a second.
public struct ServerLoad: Codable, Hashable, Sendable {
  /// Clients assigned to this server: connected, or seen within `affinity.hold`.
  public var clients: UInt64
  /// Those of them that are connected.
  public var sessions: UInt64
  /// Current requests, tunnels and relayed connections.
  public var exchanges: UInt64
  /// Current flows of UDP datagrams.
  public var flows: UInt64
  /// Requests in its queue.
  public var waiting: UInt64
  /// Connections to it, including idle ones.
  public var connections: UInt64
  /// The part of its weight that applies to new clients: less than 100 during a slow start, 0 while it is suspected.
  public var weightPercent: UInt64

  public init(
    clients: UInt64, sessions: UInt64, exchanges: UInt64, flows: UInt64 = 0, waiting: UInt64, connections: UInt64,
    weightPercent: UInt64 = 100
  ) {
    self.clients = clients
    self.sessions = sessions
    self.exchanges = exchanges
    self.flows = flows
    self.waiting = waiting
    self.connections = connections
    self.weightPercent = weightPercent
  }

  private enum CodingKeys: String, CodingKey {
    case clients, sessions, exchanges, flows, waiting, connections
    case weightPercent = "weight_percent"
  }
}

/// The last completed health check of a server.
public struct ServerCheck: Codable, Hashable, Sendable {
  /// When it ended.
  public var time: WallTime
  /// The status of the response, or the failure.
  public var result: String
  /// Its duration.
  public var milliseconds: UInt64
  /// Number of consecutive results that indicate another state, and the number that changes the state; both 0 when the
  /// last result confirmed the state. 0 of 1: no check with the present settings has had a result yet.
  public var count: UInt64
  public var needed: UInt64

  /// The certificate that the server has presented last; nil before the first, and where checks are without TLS.
  public var certificate: ServerCertificate?

  /// Whether the last result confirmed the state.
  public var isConfirming: Bool { needed == 0 }

  /// Whether no check has been made since the settings changed.
  public var isOutdated: Bool { count == 0 && needed > 0 }

  public init(
    time: WallTime, result: String, milliseconds: UInt64, count: UInt64 = 0, needed: UInt64 = 0,
    certificate: ServerCertificate? = nil
  ) {
    self.certificate = certificate
    self.time = time
    self.result = result
    self.milliseconds = milliseconds
    self.count = count
    self.needed = needed
  }
}

/// A certificate that a server presents to its health check.
public struct ServerCertificate: Codable, Hashable, Sendable {
  /// SHA-256, in hexadecimal digits.
  public var fingerprint: String
  public var notAfter: WallTime
  /// Whether clients are shown the same one; nil where TLS ends at the server (mode `passthrough`).
  public var isShown: Bool?

  public init(fingerprint: String, notAfter: WallTime, isShown: Bool?) {
    self.fingerprint = fingerprint
    self.notAfter = notAfter
    self.isShown = isShown
  }

  private enum CodingKeys: String, CodingKey {
    case fingerprint
    case notAfter = "not_after"
    case isShown = "shown"
  }
}

/// Counters of rejected connections and requests.
public struct RefusedCounts: FlatCounterSet {
  /// Connections closed because of a limit: most immediately, some because of the bytes received on them.
  public var connections: UInt64
  /// TLS handshakes that failed.
  public var handshakes: UInt64
  /// Requests that are malformed or exceed a limit.
  public var requests: UInt64
  /// Requests, or connections in passthrough mode, for which no server was available.
  public var unroutable: UInt64

  /// All zero.
  public init() { self.init(connections: 0) }

  public init(connections: UInt64, handshakes: UInt64 = 0, requests: UInt64 = 0, unroutable: UInt64 = 0) {
    self.connections = connections
    self.handshakes = handshakes
    self.requests = requests
    self.unroutable = unroutable
  }

  /// Lists the counters.
  public mutating func forEach(with other: RefusedCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("connections", &connections, other.connections)
    change("handshakes", &handshakes, other.handshakes)
    change("requests", &requests, other.requests)
    change("unroutable", &unroutable, other.unroutable)
  }
}

/// UDP datagrams of both directions.
public struct DatagramCounts: FlatCounterSet {
  public var relayed: UInt64
  /// Because of a limit, without a server, or not accepted by the next socket.
  public var dropped: UInt64

  /// All zero.
  public init() { self.init(relayed: 0) }

  public init(relayed: UInt64, dropped: UInt64 = 0) {
    self.relayed = relayed
    self.dropped = dropped
  }

  /// Lists the counters.
  public mutating func forEach(with other: DatagramCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("relayed", &relayed, other.relayed)
    change("dropped", &dropped, other.dropped)
  }
}

/// A certificate presented to clients.
public struct ServedCertificate: Codable, Hashable, Sendable {
  /// The file that contains it.
  public var file = ""
  public var subject = ""
  /// The DNS names and addresses for which it is valid.
  public var names: [String] = []
  /// In hexadecimal digits.
  public var serial = ""
  /// SHA-256, in hexadecimal digits.
  public var fingerprint = ""
  public var notAfter: WallTime

  public init(notAfter: WallTime) { self.notAfter = notAfter }

  private enum CodingKeys: String, CodingKey {
    case file, subject, names, serial, fingerprint
    case notAfter = "not_after"
  }
}

/// An authority whose certificates clients may have (`tls.client-certificates`), or a revocation list of one.
public struct ClientAuthority: Codable, Hashable, Sendable {
  /// What ends at `end`.
  public enum Kind: String, Codable, CaseIterable, Sendable {
    case authority
    case revocationList = "revocation_list"
  }

  public var kind: Kind
  /// The service's name; empty if the configuration has one without.
  public var service = ""
  /// Whether the service refuses clients without a certificate.
  public var isRequired = false
  /// The file that contains it.
  public var file = ""
  /// The subject of the authority.
  public var subject = ""
  /// When the certificate of the authority expires, or the next list is due (nextUpdate); nil for a list that does not
  /// say.
  public var end: WallTime?

  public init(_ kind: Kind) { self.kind = kind }

  private enum CodingKeys: String, CodingKey {
    case kind, service, file, subject
    case isRequired = "required"
    case end = "not_after"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    try container.encode(service, forKey: .service)
    try container.encode(isRequired, forKey: .isRequired)
    try container.encode(file, forKey: .file)
    try container.encode(subject, forKey: .subject)
    // Null rather than absent.
    try container.encode(end, forKey: .end)
  }
}

/// A warning or error that was logged.
public struct Problem: Codable, Hashable, Sendable {
  /// When it was last logged.
  public var time: WallTime
  /// How often it was logged.
  public var count: UInt64
  public var text: String

  public init(time: WallTime, count: UInt64, text: String) {
    self.time = time
    self.count = count
    self.text = text
  }
}
