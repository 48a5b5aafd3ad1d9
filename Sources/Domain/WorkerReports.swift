import Wire

// What a worker tells of itself, and what a report shows of it.

/// What one server carries, measured about once a second.
public struct ServerLoad: Codable, Hashable, Sendable {
  /// Clients that stay with this server: connected, or seen within `affinity.hold`.
  public var clients: UInt64
  /// Those of them that are connected.
  public var sessions: UInt64
  /// Requests and tunnels under way.
  public var exchanges: UInt64
  /// Requests that wait for a place.
  public var waiting: UInt64
  /// Connections to it, idle ones among them.
  public var connections: UInt64
  /// How much of its weight counts for new clients: less than 100 during a slow start, 0 while it is suspected.
  public var weightPercent: UInt64

  public init(
    clients: UInt64, sessions: UInt64, exchanges: UInt64, waiting: UInt64, connections: UInt64,
    weightPercent: UInt64 = 100
  ) {
    self.clients = clients
    self.sessions = sessions
    self.exchanges = exchanges
    self.waiting = waiting
    self.connections = connections
    self.weightPercent = weightPercent
  }

  private enum CodingKeys: String, CodingKey {
    case clients, sessions, exchanges, waiting, connections
    case weightPercent = "weight_percent"
  }
}

/// The last health check of a server that is over.
public struct ServerCheck: Codable, Hashable, Sendable {
  /// When it was over.
  public var time: WallTime
  /// The status of the answer, or what went wrong.
  public var result: String
  /// How long it took.
  public var milliseconds: UInt64
  /// Results in a row that speak for another state, and how many change it; both 0 when the last one confirmed the state.
  public var count: UInt64
  public var needed: UInt64

  public init(time: WallTime, result: String, milliseconds: UInt64, count: UInt64 = 0, needed: UInt64 = 0) {
    self.time = time
    self.result = result
    self.milliseconds = milliseconds
    self.count = count
    self.needed = needed
  }
}

/// What was turned away.
public struct RefusedCounts: Codable, Hashable, Sendable {
  /// Connections closed because of a limit: most of them at once, some for what came on them.
  public var connections: UInt64
  /// TLS handshakes that failed.
  public var handshakes: UInt64
  /// Requests that are malformed or beyond a limit.
  public var requests: UInt64
  /// Requests, or connections passed through, for which no server was to be had.
  public var unroutable: UInt64

  public init(connections: UInt64 = 0, handshakes: UInt64 = 0, requests: UInt64 = 0, unroutable: UInt64 = 0) {
    self.connections = connections
    self.handshakes = handshakes
    self.requests = requests
    self.unroutable = unroutable
  }

  /// What both count.
  public static func + (left: RefusedCounts, right: RefusedCounts) -> RefusedCounts {
    RefusedCounts(
      connections: left.connections + right.connections, handshakes: left.handshakes + right.handshakes,
      requests: left.requests + right.requests, unroutable: left.unroutable + right.unroutable)
  }
}

/// A certificate that clients are shown.
public struct ServedCertificate: Codable, Hashable, Sendable {
  /// The file that it came from.
  public var file = ""
  public var subject = ""
  /// Names and addresses that it is for.
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

/// Something that was warned of.
public struct Problem: Codable, Hashable, Sendable {
  /// When it happened last.
  public var time: WallTime
  /// How often it has happened.
  public var count: UInt64
  public var text: String

  public init(time: WallTime, count: UInt64, text: String) {
    self.time = time
    self.count = count
    self.text = text
  }
}
