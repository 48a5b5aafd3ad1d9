import Domain
import Wire

extension StatusReport {
  /// Counters since the service started. A worker's death loses what it had counted since its last report, a second at
  /// most; counters of a service or a server begin at zero when a reload adds it. A service under another name is a new
  /// one, and its servers go on.
  package struct Counters: Codable, Hashable, Sendable {
    /// In the configuration's order; also where that has one service without a name.
    package var services: [ServiceCounters] = []
    package var handshakes = HandshakeCounts()
    package var limits = LimitCounts()
    package var log = LogCounts()
    package var pair = PairCounts()
    /// By the loop's index.
    package var loops: [LoopCounts] = []
    /// Workers that were started.
    package var workers: UInt64 = 0

    package init() {}
  }

  /// The counters and the present figures of one service.
  package struct ServiceCounters: Codable, Hashable, Sendable {
    /// Empty if it has none.
    package var name: String
    /// Open client connections.
    package var connections: UInt64 = 0
    /// Requests in the queues of its servers.
    package var waiting: UInt64 = 0
    /// Entries of its affinity tables, and the most that there may be.
    package var clients: UInt64 = 0
    package var clientLimit: UInt64 = 0
    package var counts = ServiceCounts()

    package init(name: String) { self.name = name }

    private enum CodingKeys: String, CodingKey {
      case name, connections, waiting, clients, counts
      case clientLimit = "client_limit"
    }
  }
}
