import Balancing
import Configuration
import TLS
import Wire

/// The affinity of all clients, shared by all loops. It lasts as long as the worker, and longer in a snapshot.
final class AffinityStore: Sendable {
  let addresses: AffinityShards
  /// By tokens that servers issue: a session's cookie, a tunnel's connection id. Empty if not configured.
  let tokens: AffinityShards
  /// Computes clients' keys from tokens.
  private let tokenHash: SecretHash

  /// Restores an earlier worker's snapshot. `wall` is the current time in nanoseconds since 1970.
  init(
    _ settings: Configuration.Affinity, restoring snapshot: AffinitySnapshot? = nil, at now: Instant, wall: WallTime
  ) throws(TLSError) {
    addresses = try AffinityShards(settings, entries: settings.entries)
    tokens = try AffinityShards(settings, entries: settings.tokenEntries)
    guard let snapshot else {
      tokenHash = SecretHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
      return
    }
    tokenHash = snapshot.tokenHash
    addresses.restore(snapshot.addresses, elapsed: snapshot.elapsed(at: wall), at: now)
    guard settings.tokenEntries > 0 else { return }
    tokens.restore(snapshot.tokens, elapsed: snapshot.elapsed(at: wall), at: now)
  }

  /// The key of a session's client; the cookie's value is not stored.
  func client(ofCookie value: Span<UInt8>) -> ClientKey {
    let hash = tokenHash(value)
    return ClientKey(high: hash.first, low: hash.last)
  }

  /// The key of a tunnel. It differs from that of a cookie with the same value.
  func client(ofTunnel id: Span<UInt8>) -> ClientKey {
    let hash = tokenHash(id)
    return ClientKey(high: hash.last, low: hash.first)
  }

  /// Applies changed settings; entries beyond a smaller capacity are removed.
  func adopt(_ settings: Configuration.Affinity) {
    addresses.adopt(settings, entries: settings.entries)
    tokens.adopt(settings, entries: settings.tokenEntries)
  }

  /// Number of entries; a client that is known by several keys counts for each.
  var count: Int { addresses.count + tokens.count }

  /// Number of entries for each server, counted likewise: zero when no clients are left.
  func tally(at now: Instant) -> [ServerID: AffinityCount] {
    addresses.tally(at: now).merging(tokens.tally(at: now), uniquingKeysWith: +)
  }

  /// A counter that increases with every change.
  var changes: UInt64 { addresses.changes &+ tokens.changes }

  /// A copy of all entries. It holds each lock only for the copying of a few hundred entries.
  func snapshot(at now: Instant, wall: WallTime) -> AffinitySnapshot {
    AffinitySnapshot(
      tokenHash: tokenHash, taken: wall, addresses: addresses.records(at: now), tokens: tokens.records(at: now))
  }
}

extension Configuration.Affinity {
  /// `entries` for cookies and as many for tunnels, if they are used.
  fileprivate var tokenEntries: Int { (cookie == nil ? 0 : entries) + (isByTunnel ? entries : 0) }
}
