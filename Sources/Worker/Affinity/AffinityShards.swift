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

  /// Tables for this many entries in total, at least one in each shard. `isReplicated`: they note changes for
  /// `takeChanges`. `wall`: the time at `now`, for the beginning of the clock of assignments.
  init(
    _ settings: Configuration.Affinity, entries: Int, isReplicated: Bool, at now: Instant, wall: WallTime
  ) throws(TLSError) {
    let hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    self.hash = hash
    shards = (0..<AffinityShards.shardCount).map { _ in
      Shard(
        AffinityTable(
          capacity: Self.capacity(entries), hold: settings.hold, hash: hash,
          changeLimit: isReplicated ? Self.changeLimit : 0,
          clock: AssignmentClock(wall, at: Self.shifted(now))))
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

  /// Number of entries that were removed for lack of room.
  var evictions: UInt64 { shards.reduce(0) { sum, shard in sum &+ shard.table.withLock { $0.tally.evictions } } }

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
    var position: UInt64? = 0
    while let start = position { records += piece(from: start, next: &position, at: now) }
    return records
  }

  /// A piece of that copy: the entries from `position` on, 0 at first, and where the next piece begins, nil at the end.
  /// `activeSince`: only clients that have a session or were last active here, not before that.
  func piece(
    from position: UInt64, next: inout UInt64?, activeSince: Instant? = nil, at now: Instant
  ) -> [AffinityRecord] {
    let (shard, slot) = (Int(position >> 32), Int(position & 0xffff_ffff))
    guard shard < Self.shardCount else {
      next = nil
      return []
    }
    let (records, end) = shards[shard].table.withLock { table in
      (
        table.records(
          in: slot..<slot + Self.pieceCount, activeSince: activeSince.map(Self.shifted), at: Self.shifted(now)),
        table.slotCount
      )
    }
    let isOver = slot + Self.pieceCount >= end
    next = isOver ? UInt64(shard + 1) << 32 : position + UInt64(Self.pieceCount)
    if isOver, shard + 1 == Self.shardCount { next = nil }
    return records
  }

  /// Merges what an earlier worker or another node knew, this long ago. Each lock is held for a few hundred entries.
  func merge(_ records: [AffinityRecord], from source: AffinitySource, age: Interval, at now: Instant) {
    for (shard, part) in Dictionary(grouping: records, by: { shard(of: $0.client) }) {
      for start in stride(from: 0, to: part.count, by: Self.pieceCount) {
        let piece = part[start..<min(start + Self.pieceCount, part.count)]
        shards[shard].table.withLock {
          $0.merge(piece, from: source, asOf: Self.shifted(now) - age, at: Self.shifted(now))
        }
      }
    }
  }

  /// Puts the clock of assignments forward to this time.
  func advanceClock(to time: AssignmentTime, at now: Instant) {
    for shard in shards { shard.table.withLock { $0.clock.advance(to: time, at: Self.shifted(now)) } }
  }

  /// Takes the clients that were assigned or moved here since they were last taken.
  func takeChanges(at now: Instant) -> AffinityChanges {
    var all = AffinityChanges()
    for shard in shards {
      var hasMore = true
      while hasMore {
        let changes = shard.table.withLock { $0.takeChanges(limit: Self.pieceCount, at: Self.shifted(now)) }
        all.records += changes.records
        all.areIncomplete = all.areIncomplete || changes.areIncomplete
        hasMore = changes.hasMore
      }
    }
    return all
  }

  /// Number of entries copied or removed while a lock is held: tens of microseconds.
  static let pieceCount = 512

  /// Number of changes of a shard that wait: in all, as many as 4,000 clients can make in a quarter of a second.
  private static let changeLimit = 1024

  /// The monotonic clock may have started with the machine, minutes ago, and entries may be older. Eight days are more
  /// than the longest hold time.
  private static func shifted(_ now: Instant) -> Instant { now + .hours(8 * 24) }

  private func shard(of client: ClientKey) -> Int {
    Int(truncatingIfNeeded: hash(client) & UInt64(AffinityShards.shardCount - 1))
  }

  private static func capacity(_ entries: Int) -> Int { max(1, entries / shardCount) }
}
