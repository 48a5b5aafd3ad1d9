/// What a worker reports of one service.
public struct ServiceFigures: Hashable, Sendable {
  /// Open client connections of this service.
  public var connections: UInt64
  /// Entries of its affinity tables: a client that is known by several keys has one for each.
  public var clients: UInt64
  /// What it has counted.
  public var counts: ServiceCounts

  public init(connections: UInt64 = 0, clients: UInt64 = 0, counts: ServiceCounts = ServiceCounts()) {
    self.connections = connections
    self.clients = clients
    self.counts = counts
  }
}

/// What a worker has counted of one service.
public struct ServiceCounts: CounterSet, Codable {
  public var traffic = TrafficCounts()
  /// Clients that were forgotten because the affinity table was full (`affinity.entries`).
  public var evictedClients: UInt64 = 0
  public var access = AccessCounts()

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: ServiceCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    traffic.forEach(with: other.traffic, change)
    change("evicted_clients", &evictedClients, other.evictedClients)
    access.forEach(with: other.access, change)
  }

  private enum CodingKeys: String, CodingKey {
    case traffic, access
    case evictedClients = "evicted_clients"
  }
}

/// What rules for client networks (`access`) have refused.
public struct AccessCounts: FlatCounterSet {
  /// Connections, flows of datagrams and requests of clients that may not use the service.
  public var service: UInt64 = 0
  /// Requests of clients that may not use their path.
  public var path: UInt64 = 0
  /// Requests whose path servers may understand in different ways.
  public var ambiguous: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: AccessCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("service", &service, other.service)
    change("path", &path, other.path)
    change("ambiguous", &ambiguous, other.ambiguous)
  }
}
