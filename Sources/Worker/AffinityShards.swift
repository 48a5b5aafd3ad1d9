import Balancing
import Configuration
import Synchronization
import TLS
import Wire

/// The affinity table, in shards with a lock each, so that loops seldom wait for each other.
final class AffinityShards: Sendable {
  /// A client's session in the table, and the server it is at.
  struct Session {
    let server: ServerID
    fileprivate let shard: Int
    fileprivate let ticket: AffinityTable.Session
  }

  /// Several for each loop of a large machine.
  private static let count = 16

  private final class Shard: Sendable {
    let table: Mutex<AffinityTable>

    init(_ table: consuming sending AffinityTable) { self.table = Mutex(table) }
  }

  private let shards: [Shard]
  /// Places clients by the lower half of its answers; the tables use the upper half.
  private let hash: ClientHash

  init(_ settings: Configuration.Affinity) throws(TLSError) {
    let hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    self.hash = hash
    shards = (0..<AffinityShards.count).map { _ in
      Shard(AffinityTable(capacity: Self.capacity(settings), hold: settings.hold, hash: hash))
    }
  }

  /// Takes over changed settings; what no longer fits is forgotten.
  func adopt(_ settings: Configuration.Affinity) {
    for shard in shards {
      shard.table.withLock { table in
        table.hold = settings.hold
        if table.capacity != Self.capacity(settings) { table.resize(to: Self.capacity(settings)) }
      }
    }
  }

  /// Where the client is at home; nil when nothing is known, or too long ago.
  func lookup(_ client: ClientKey, at now: Instant) -> ServerID? {
    shards[shard(of: client)].table.withLock { $0.lookup(client, at: now) }
  }

  func sessionBegan(_ client: ClientKey, on server: ServerID, at now: Instant) -> Session {
    let shard = shard(of: client)
    let ticket = shards[shard].table.withLock { $0.sessionBegan(client, on: server, at: now) }
    return Session(server: server, shard: shard, ticket: ticket)
  }

  func sessionEnded(_ session: Session, at now: Instant) {
    shards[session.shard].table.withLock { $0.sessionEnded(session.ticket, at: now) }
  }

  private func shard(of client: ClientKey) -> Int {
    Int(truncatingIfNeeded: hash(client) & UInt64(AffinityShards.count - 1))
  }

  private static func capacity(_ settings: Configuration.Affinity) -> Int { max(1, settings.entries / count) }
}
