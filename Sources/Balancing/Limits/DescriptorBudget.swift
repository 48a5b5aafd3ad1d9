/// How a process's descriptors (RLIMIT_NOFILE) are shared out: clients get two each, one for them and one for their
/// server's connection, and what the service itself needs comes first.
///
/// Invariant: `reserve + 2 × connections ≤ limit`, unless the limit is so low that not even one client fits.
public struct DescriptorBudget: Hashable, Sendable {
  /// How many descriptors the process may have open.
  public let limit: UInt64
  /// Clients' connections that the configuration allows.
  public let configured: Int
  /// Descriptors that the service itself needs.
  public let reserve: Int

  /// `listeners` are sockets: one for each address and loop.
  public init(limit: UInt64, configured: Int, servers: Int, loops: Int, listeners: Int) {
    self.limit = limit
    self.configured = configured
    reserve =
      DescriptorBudget.fixed + DescriptorBudget.perLoop * loops + listeners + DescriptorBudget.perServer * servers
  }

  /// Standard streams, the control socket, the logs and the journal, heartbeats, the affinity file and its folder, an
  /// OCSP responder and its resolver; and as many again for a reload, which opens certificates while others are open.
  private static let fixed = 24
  /// A poller and a wake-up; the connection that is just being accepted.
  private static let perLoop = 3
  /// Health checks of one server that may be under way at once: a server that hangs is down after `fall` of them that
  /// overlap, and `fall` is rarely above 5.
  public static let checksPerServer = 5
  private static let perServer = checksPerServer

  /// Clients' connections that fit, at least one.
  public var affordable: Int {
    let left = limit > UInt64(reserve) ? (limit - UInt64(reserve)) / 2 : 0
    return max(1, Int(clamping: left))
  }

  /// The limit in force.
  public var connections: Int { min(configured, affordable) }

  /// Connections to servers that fit beside them, idle ones included.
  public var serverConnections: Int {
    let taken = UInt64(reserve) + UInt64(connections)
    return max(1, limit > taken ? Int(clamping: limit - taken) : 0)
  }

  /// What it takes to hold the configured limit.
  public var needed: UInt64 { UInt64(reserve) + 2 * UInt64(configured) }

  /// As many as are ever open at once.
  public var most: UInt64 { min(limit, needed) }

  /// For a person, when the configured limit can't be held.
  public var warning: String? {
    guard connections < configured else { return nil }
    return """
      `limits: connections` is \(configured), but only \(connections) are accepted at once: this process may open \
      \(limit) descriptors, \(reserve) are reserved for listeners, health checks and files, and a client takes 2. \
      \(configured) clients need LimitNOFILE=\(needed) (`systemctl edit belvedere`)
      """
  }
}
