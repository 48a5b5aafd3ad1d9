/// What a worker has counted that belongs to no single service or server.
public struct WorkerCounts: CounterSet, Codable {
  public var handshakes = HandshakeCounts()
  public var limits = LimitCounts()
  public var log = LogCounts()
  public var pair = PairCounts()

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: WorkerCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    handshakes.forEach(with: other.handshakes, change)
    limits.forEach(with: other.limits, change)
    log.forEach(with: other.log, change)
    pair.forEach(with: other.pair, change)
  }
}

/// TLS handshakes with clients.
public struct HandshakeCounts: CounterSet, Codable {
  /// Completed ones in which the certificate was presented.
  public var full: UInt64 = 0
  /// Completed ones that resumed a session.
  public var resumed: UInt64 = 0
  public var failures = HandshakeFailureCounts()

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: HandshakeCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("full", &full, other.full)
    change("resumed", &resumed, other.resumed)
    failures.forEach(with: other.failures, change)
  }
}

/// Failed TLS handshakes with clients, by reason.
public struct HandshakeFailureCounts: FlatCounterSet {
  /// The client closed or reset the connection.
  public var closed: UInt64 = 0
  /// Not complete within `timeouts.tls-handshake`.
  public var timeout: UInt64 = 0
  /// The client rejected the certificate, with an alert that says so.
  public var certificate: UInt64 = 0
  /// Another alert of the client.
  public var alert: UInt64 = 0
  /// No common version, cipher or group.
  public var parameters: UInt64 = 0
  /// The name that the client asks for is refused: `tls.refuse-names`, `tls.unknown-names`.
  public var name: UInt64 = 0
  /// What came was not TLS: HTTP without TLS, or another protocol.
  public var notTLS: UInt64 = 0
  /// The client has no certificate, and `tls.client-certificates` requires one.
  public var noClientCertificate: UInt64 = 0
  /// The client's certificate was rejected.
  public var badClientCertificate: UInt64 = 0
  /// TLS that violates the protocol.
  public var invalid: UInt64 = 0
  /// A fault of this machine: memory, randomness, a system call.
  public var local: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(
    with other: HandshakeFailureCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void
  ) {
    change("closed", &closed, other.closed)
    change("timeout", &timeout, other.timeout)
    change("certificate", &certificate, other.certificate)
    change("alert", &alert, other.alert)
    change("parameters", &parameters, other.parameters)
    change("name", &name, other.name)
    change("not_tls", &notTLS, other.notTLS)
    change("no_client_certificate", &noClientCertificate, other.noClientCertificate)
    change("bad_client_certificate", &badClientCertificate, other.badClientCertificate)
    change("invalid", &invalid, other.invalid)
    change("local", &local, other.local)
  }
}

/// How often a limit was reached.
public struct LimitCounts: FlatCounterSet {
  /// `limits.connections`: open connections that were closed to make room.
  public var connections: UInt64 = 0
  /// Pauses of accepting, because no connection could be closed or no descriptor was left.
  public var pauses: UInt64 = 0
  /// `limits.connections-per-address`: connections and requests that were refused.
  public var connectionsPerAddress: UInt64 = 0
  /// `limits.queue`: requests that were refused because the server's queue was full.
  public var queue: UInt64 = 0
  /// Idle connections to servers that were closed to make room: for others to servers, or because this machine lacked
  /// descriptors or ports.
  public var serverConnections: UInt64 = 0
  /// Connections that were closed because their client sent too many messages of TLS itself.
  public var tlsMessages: UInt64 = 0
  /// `rates.connections`: connections above it, closed unless it is a trial.
  public var connectionRate: UInt64 = 0
  /// `rates.handshakes`: connections closed before their handshake.
  public var handshakeRate: UInt64 = 0
  /// `rates.requests`: requests answered with 429.
  public var requestRate: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: LimitCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("connections", &connections, other.connections)
    change("accept_pauses", &pauses, other.pauses)
    change("connections_per_address", &connectionsPerAddress, other.connectionsPerAddress)
    change("queue", &queue, other.queue)
    change("server_connections", &serverConnections, other.serverConnections)
    change("tls_messages", &tlsMessages, other.tlsMessages)
    change("connection_rate", &connectionRate, other.connectionRate)
    change("handshake_rate", &handshakeRate, other.handshakeRate)
    change("request_rate", &requestRate, other.requestRate)
  }
}

/// Lines that the logs do not have.
public struct LogCounts: FlatCounterSet {
  /// Lines of the access log that were dropped because its destination did not take them.
  public var dropped: UInt64 = 0
  /// Lines of the operational log about clients' and servers' failures that were left out because there were too many.
  public var suppressed: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: LogCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("dropped", &dropped, other.dropped)
    change("suppressed", &suppressed, other.suppressed)
  }
}

/// Bytes of messages on the connections with the other nodes of a pair, inside TLS.
public struct PairCounts: FlatCounterSet {
  public var received: UInt64 = 0
  public var sent: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: PairCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("bytes_in", &received, other.received)
    change("bytes_out", &sent, other.sent)
  }
}

/// What one event loop of a worker has counted.
public struct LoopCounts: FlatCounterSet {
  public var turns: UInt64 = 0
  /// Turns that began more than 20 ms after a timer was due: the processor is overloaded, or the turn before was long.
  public var lateTurns: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: LoopCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("turns", &turns, other.turns)
    change("late_turns", &lateTurns, other.lateTurns)
  }
}
