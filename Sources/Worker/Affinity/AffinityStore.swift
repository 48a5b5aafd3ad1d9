import Balancing
import Configuration
import TLS
import Wire

/// Which server each client is assigned to, as all loops know it, for the worker's life and, in a snapshot, beyond.
final class AffinityStore: Sendable {
  let addresses: AffinityShards
  /// By what a server issues: a session's cookie, a tunnel's connection id. Empty unless the configuration asks for it.
  let tokens: AffinityShards
  /// Makes the keys that clients are known by from their tokens.
  private let tokenHash: SecretHash

  /// What is in the snapshot of an earlier worker is remembered. `wall` is now in nanoseconds since 1970.
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

  /// What the client of a session is known by; the cookie's value is kept nowhere.
  func client(ofCookie value: Span<UInt8>) -> ClientKey {
    let hash = tokenHash(value)
    return ClientKey(high: hash.first, low: hash.last)
  }

  /// The key of a tunnel. It differs from that of a cookie with the same value.
  func client(ofTunnel id: Span<UInt8>) -> ClientKey {
    let hash = tokenHash(id)
    return ClientKey(high: hash.last, low: hash.first)
  }

  /// Takes over changed settings; what no longer fits is forgotten.
  func adopt(_ settings: Configuration.Affinity) {
    addresses.adopt(settings, entries: settings.entries)
    tokens.adopt(settings, entries: settings.tokenEntries)
  }

  /// How many clients are remembered; one that is known in several ways counts for each.
  var count: Int { addresses.count + tokens.count }

  /// How many clients are assigned to each server, counted likewise: there is none left when all are gone.
  func tally(at now: Instant) -> [ServerID: AffinityCount] {
    addresses.tally(at: now).merging(tokens.tally(at: now), uniquingKeysWith: +)
  }

  /// Grows with every change.
  var changes: UInt64 { addresses.changes &+ tokens.changes }

  /// A copy of all that is remembered. Waits for no loop, and lets none wait longer than for a few hundred clients.
  func snapshot(at now: Instant, wall: WallTime) -> AffinitySnapshot {
    AffinitySnapshot(
      tokenHash: tokenHash, taken: wall, addresses: addresses.records(at: now), tokens: tokens.records(at: now))
  }
}

extension Configuration.Affinity {
  /// `entries` each for cookies and tunnels.
  fileprivate var tokenEntries: Int { (cookie == nil ? 0 : entries) + (isByTunnel ? entries : 0) }
}
