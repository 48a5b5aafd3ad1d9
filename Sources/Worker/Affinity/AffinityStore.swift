import Balancing
import Configuration
import Synchronization
import TLS
import Wire

/// The affinity of all clients, shared by all loops. It lasts as long as the worker, and longer in a snapshot.
///
/// Each kind of key has its own table, so that new cookies never evict a tunnel.
final class AffinityStore: Sendable {
  let addresses: AffinityShards
  /// By a session's cookie. Empty if not configured, as `tunnels`.
  let cookies: AffinityShards
  /// By a tunnel's connection id.
  let tunnels: AffinityShards
  /// The words of `tokenHash`. Who reads one of them before a change and one after it finds no client.
  private let seed0: Atomic<UInt64>
  private let seed1: Atomic<UInt64>

  /// Restores an earlier worker's snapshot: of one that had another seed, the addresses alone. With secrets, other
  /// nodes get changes.
  init(
    _ settings: Configuration.Affinity, _ secrets: PairSecrets? = nil, restoring snapshot: AffinitySnapshot? = nil,
    at now: Instant, wall: WallTime
  ) throws(TLSError) {
    addresses = try AffinityShards(
      settings, entries: settings.entries, isReplicated: secrets != nil, at: now, wall: wall)
    cookies = try AffinityShards(
      settings, entries: settings.cookieEntries, isReplicated: secrets != nil, at: now, wall: wall)
    tunnels = try AffinityShards(
      settings, entries: settings.tunnelEntries, isReplicated: secrets != nil, at: now, wall: wall)
    let known = secrets?.tokenHash ?? snapshot?.tokenHash
    let tokenHash = if let known { known } else { try SecretHash.random() }
    seed0 = Atomic(tokenHash.key0)
    seed1 = Atomic(tokenHash.key1)
    guard let snapshot else { return }
    let elapsed = snapshot.elapsed(at: wall)
    addresses.merge(snapshot.addresses, from: .file, age: elapsed, at: now)
    guard tokenHash == snapshot.tokenHash else { return }
    if settings.cookieEntries > 0 { cookies.merge(snapshot.cookies, from: .file, age: elapsed, at: now) }
    if settings.tunnelEntries > 0 { tunnels.merge(snapshot.tunnels, from: .file, age: elapsed, at: now) }
  }

  /// Computes the keys of cookies and tunnels.
  private var tokenHash: SecretHash {
    SecretHash(seed: seed0.load(ordering: .relaxed), seed1.load(ordering: .relaxed))
  }

  /// The key of a client with this cookie or connection id, which is not stored itself.
  func client(ofToken token: Span<UInt8>) -> ClientKey {
    let hash = tokenHash(token)
    return ClientKey(high: hash.first, low: hash.last)
  }

  /// Applies changed settings; entries beyond a smaller capacity are removed. With another seed, cookies and tunnels
  /// known so far are not found again.
  func adopt(_ settings: Configuration.Affinity, _ secrets: PairSecrets?) {
    if let tokenHash = secrets?.tokenHash {
      seed0.store(tokenHash.key0, ordering: .relaxed)
      seed1.store(tokenHash.key1, ordering: .relaxed)
    }
    addresses.adopt(settings, entries: settings.entries)
    cookies.adopt(settings, entries: settings.cookieEntries)
    tunnels.adopt(settings, entries: settings.tunnelEntries)
  }

  /// Number of entries; a client that is known by several keys counts for each.
  var count: Int { addresses.count + cookies.count + tunnels.count }

  /// Number of entries that were removed for lack of room, counted likewise.
  var evictions: UInt64 { addresses.evictions &+ cookies.evictions &+ tunnels.evictions }

  /// Number of entries for each server, counted likewise: zero when no clients are left.
  func tally(at now: Instant) -> [ServerID: AffinityCount] {
    [cookies, tunnels].reduce(addresses.tally(at: now)) { sum, table in
      sum.merging(table.tally(at: now), uniquingKeysWith: +)
    }
  }

  /// A counter that increases with every change.
  var changes: UInt64 { addresses.changes &+ cookies.changes &+ tunnels.changes }

  /// A copy of all entries. It holds each lock only for the copying of a few hundred entries.
  func snapshot(at now: Instant, wall: WallTime) -> AffinitySnapshot {
    AffinitySnapshot(
      tokenHash: tokenHash, taken: wall, addresses: addresses.records(at: now), cookies: cookies.records(at: now),
      tunnels: tunnels.records(at: now))
  }
}

extension SecretHash {
  static func random() throws(TLSError) -> SecretHash {
    SecretHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
  }
}

extension PairSecrets {
  /// The same on every node.
  fileprivate var tokenHash: SecretHash { SecretHash(seed: tokenSeed.0, tokenSeed.1) }
}

extension Configuration.Affinity {
  fileprivate var cookieEntries: Int { cookie == nil ? 0 : entries }
  fileprivate var tunnelEntries: Int { isByTunnel ? entries : 0 }
}
