import Balancing
import Configuration
import Synchronization
import TLS
import Wire

/// The affinity table, in shards with a lock each, so that loops rarely wait for each other.
final class AffinityShards: Sendable {
  /// A client's session in the table, and its server.
  struct Session {
    let server: ServerID
    fileprivate let shard: Int
    fileprivate let ticket: AffinityTable.Session
  }

  /// Several per loop, even on a large machine.
  private static let shardCount = 16

  private final class Shard: Sendable {
    let table: Mutex<AffinityTable>

    init(_ table: consuming sending AffinityTable) { self.table = Mutex(table) }
  }

  private let shards: [Shard]
  /// Selects the shard by the lower half of the hash; the tables use the upper half.
  private let hash: ClientHash

  /// Tables for this many entries in total, at least one in each shard.
  init(_ settings: Configuration.Affinity, entries: Int) throws(TLSError) {
    let hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    self.hash = hash
    shards = (0..<AffinityShards.shardCount).map { _ in
      Shard(AffinityTable(capacity: Self.capacity(entries), hold: settings.hold, hash: hash))
    }
  }

  /// Applies changed settings; entries beyond a smaller capacity are removed.
  func adopt(_ settings: Configuration.Affinity, entries: Int) {
    for shard in shards {
      shard.table.withLock { table in
        table.hold = settings.hold
        if table.capacity != Self.capacity(entries) { table.resize(to: Self.capacity(entries)) }
      }
    }
  }

  /// The server that the client is assigned to; nil when there is no entry or it has expired.
  func lookup(_ client: ClientKey, at now: Instant) -> ServerID? {
    shards[shard(of: client)].table.withLock { $0.lookup(client, at: Self.shifted(now)) }
  }

  /// Assigns the client to the server without opening a session.
  func assign(_ client: ClientKey, to server: ServerID, at now: Instant) {
    shards[shard(of: client)].table.withLock { $0.assign(client, to: server, at: Self.shifted(now)) }
  }

  /// Ends the session, if there is one, and begins another.
  func renew(_ session: inout Session?, of client: ClientKey, on server: ServerID, at now: Instant) {
    end(&session, at: now)
    session = sessionBegan(client, on: server, at: now)
  }

  func end(_ session: inout Session?, at now: Instant) {
    if let ended = session.take() { sessionEnded(ended, at: now) }
  }

  func sessionBegan(_ client: ClientKey, on server: ServerID, at now: Instant) -> Session {
    let shard = shard(of: client)
    let ticket = shards[shard].table.withLock { $0.sessionBegan(client, on: server, at: Self.shifted(now)) }
    return Session(server: server, shard: shard, ticket: ticket)
  }

  func sessionEnded(_ session: Session, at now: Instant) {
    shards[session.shard].table.withLock { $0.sessionEnded(session.ticket, at: Self.shifted(now)) }
  }

  // MARK: All clients

  /// Number of entries, including expired ones that have not been removed yet.
  var count: Int { shards.reduce(0) { sum, shard in sum + shard.table.withLock { $0.count } } }

  /// Number of clients assigned to each server, with and without a session, that have not expired. Removes some of the
  /// expired entries.
  func tally(at now: Instant) -> [ServerID: AffinityCount] {
    var sums: [ServerID: AffinityCount] = [:]
    for shard in shards {
      let tally = shard.table.withLock { table in
        table.forgetOver(at: Self.shifted(now), limit: Self.pieceCount)
        return table.tally
      }
      for (server, count) in tally.lines { sums[server] = count + (sums[server] ?? AffinityCount()) }
    }
    return sums
  }

  /// A counter that increases with every change.
  var changes: UInt64 { shards.reduce(0) { sum, shard in sum &+ shard.table.withLock { $0.changes } } }

  /// A copy of the entries, made in pieces so that no loop waits long.
  func records(at now: Instant) -> [AffinityRecord] {
    var records: [AffinityRecord] = []
    for shard in shards {
      var place = 0
      while true {
        let (piece, end) = shard.table.withLock {
          ($0.records(in: place..<place + Self.pieceCount, at: Self.shifted(now)), $0.placeCount)
        }
        records += piece
        place += Self.pieceCount
        if place >= end { break }
      }
    }
    return records
  }

  /// Restores entries, all of them older by `elapsed`. Must be called before the loops start.
  func restore(_ records: [AffinityRecord], elapsed: Interval, at now: Instant) {
    let parts = Dictionary(grouping: records) { shard(of: $0.client) }
    for (shard, part) in parts {
      shards[shard].table.withLock { $0.restore(part, elapsed: elapsed, at: Self.shifted(now)) }
    }
  }

  /// Number of entries copied or removed while a lock is held: tens of microseconds.
  private static let pieceCount = 512

  /// The monotonic clock may have started with the machine, minutes ago, and entries may be older. Eight days are more
  /// than the longest hold time.
  private static func shifted(_ now: Instant) -> Instant { now + .hours(8 * 24) }

  private func shard(of client: ClientKey) -> Int {
    Int(truncatingIfNeeded: hash(client) & UInt64(AffinityShards.shardCount - 1))
  }

  private static func capacity(_ entries: Int) -> Int { max(1, entries / shardCount) }
}
