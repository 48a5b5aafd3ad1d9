/// The use of a process's descriptors (RLIMIT_NOFILE): after a reserve for the service itself, each client gets two,
/// one for its connection and one for the server connection.
///
/// Invariant: `reserve + 2 × connections ≤ limit`, unless the limit is too low for a single client.
public struct DescriptorBudget: Hashable, Sendable {
  /// The descriptor limit of the process.
  public let limit: UInt64
  /// The configured limit of client connections.
  public let configured: Int
  /// Descriptors needed by the service itself.
  public let reserve: Int

  /// `listeners` is the number of sockets: one for each address and loop. Each of the `flows` has one too. `nodes`: the
  /// number of the pair's other nodes; nil without a pair.
  public init(
    limit: UInt64, configured: Int, servers: Int, loops: Int, listeners: Int, flows: Int = 0, nodes: Int? = nil
  ) {
    self.limit = limit
    self.configured = configured
    reserve =
      DescriptorBudget.fixed + DescriptorBudget.perLoop * loops + listeners + DescriptorBudget.perServer * servers
      + flows + (nodes.map { DescriptorBudget.pair + DescriptorBudget.perNode * $0 } ?? 0)
  }

  /// Standard streams, the control socket, the logs and the journal, heartbeats, the affinity file and its directory,
  /// an OCSP responder and its resolver; and as many again for a reload, which opens certificates while others are
  /// open.
  private static let fixed = 24
  /// A poller and a wake-up; the connection that is being accepted.
  private static let perLoop = 3
  /// The most simultaneous health checks of one server: a hanging server is down after `fall` overlapping checks, and
  /// `fall` is rarely above 5.
  public static let checksPerServer = 5
  private static let perServer = checksPerServer

  /// Maximum of connections of the pair's other nodes that have not said hello.
  public static let pairGreetings = 8
  /// The pair's listener, poller and wake-up; those connections and the one that is being accepted.
  private static let pair = 3 + pairGreetings + 1
  /// The connection with another node, and the one that replaces it.
  private static let perNode = 2

  /// The client connections that fit, at least one.
  public var affordable: Int {
    let left = limit > UInt64(reserve) ? (limit - UInt64(reserve)) / 2 : 0
    return max(1, Int(clamping: left))
  }

  /// The effective limit of client connections.
  public var connections: Int { min(configured, affordable) }

  /// The server connections that fit beside them, including idle ones.
  public var serverConnections: Int {
    let taken = UInt64(reserve) + UInt64(connections)
    return max(1, limit > taken ? Int(clamping: limit - taken) : 0)
  }

  /// The descriptors needed for the configured limit.
  public var needed: UInt64 { UInt64(reserve) + 2 * UInt64(configured) }

  /// The most descriptors that are ever open at once.
  public var most: UInt64 { min(limit, needed) }

  /// A warning for the operator when the configured limit can't be reached.
  public var warning: String? {
    guard connections < configured else { return nil }
    return """
      `limits: connections` is \(configured), but only \(connections) are accepted at once: this process may open \
      \(limit) descriptors, \(reserve) are reserved for listeners, health checks, files and flows, and a client takes 2. \
      \(configured) clients need LimitNOFILE=\(needed) (`systemctl edit belvedere`)
      """
  }
}
