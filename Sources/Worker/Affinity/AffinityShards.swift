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
  private static let shardCount = 16

  private final class Shard: Sendable {
    let table: Mutex<AffinityTable>

    init(_ table: consuming sending AffinityTable) { self.table = Mutex(table) }
  }

  private let shards: [Shard]
  /// Places clients by the lower half of its answers; the tables use the upper half.
  private let hash: ClientHash

  /// Tables for so many entries, at least one in each shard.
  init(_ settings: Configuration.Affinity, entries: Int) throws(TLSError) {
    let hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    self.hash = hash
    shards = (0..<AffinityShards.shardCount).map { _ in
      Shard(AffinityTable(capacity: Self.capacity(entries), hold: settings.hold, hash: hash))
    }
  }

  /// Takes over changed settings; what no longer fits is forgotten.
  func adopt(_ settings: Configuration.Affinity, entries: Int) {
    for shard in shards {
      shard.table.withLock { table in
        table.hold = settings.hold
        if table.capacity != Self.capacity(entries) { table.resize(to: Self.capacity(entries)) }
      }
    }
  }

  /// The server that the client is assigned to; nil when nothing is known, or too long ago.
  func lookup(_ client: ClientKey, at now: Instant) -> ServerID? {
    shards[shard(of: client)].table.withLock { $0.lookup(client, at: Self.shifted(now)) }
  }

  /// Assigns the client to the server, without a session.
  func assign(_ client: ClientKey, to server: ServerID, at now: Instant) {
    shards[shard(of: client)].table.withLock { $0.assign(client, to: server, at: Self.shifted(now)) }
  }

  /// Ends the session, if there is one, and starts another one.
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

  // MARK: all clients

  /// How many clients are remembered, those included whose time is over and who were not looked for since.
  var count: Int { shards.reduce(0) { sum, shard in sum + shard.table.withLock { $0.count } } }

  /// How many clients are assigned to each server, those without a session included while their time is not over.
  /// Forgets some of those whose time is.
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

  /// Grows with every change.
  var changes: UInt64 { shards.reduce(0) { sum, shard in sum &+ shard.table.withLock { $0.changes } } }

  /// A copy of what is remembered, taken in pieces so that no loop waits long.
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

  /// Takes over what was remembered, all of it so much longer ago. Before the loops begin.
  func restore(_ records: [AffinityRecord], elapsed: Interval, at now: Instant) {
    let parts = Dictionary(grouping: records) { shard(of: $0.client) }
    for (shard, part) in parts {
      shards[shard].table.withLock { $0.restore(part, elapsed: elapsed, at: Self.shifted(now)) }
    }
  }

  /// Places that are copied, or emptied, under one lock: tens of microseconds.
  private static let pieceCount = 512

  /// The clock may have begun with the machine, minutes ago, and the tables remember what was longer ago. Eight days
  /// are more than the longest hold time.
  private static func shifted(_ now: Instant) -> Instant { now + .hours(8 * 24) }

  private func shard(of client: ClientKey) -> Int {
    Int(truncatingIfNeeded: hash(client) & UInt64(AffinityShards.shardCount - 1))
  }

  private static func capacity(_ entries: Int) -> Int { max(1, entries / shardCount) }
}
