import Balancing
import Configuration
import TLS
import Wire

/// Which server each client is assigned to, as all loops know it, for the worker's life and, in a snapshot, beyond.
final class AffinityStore: Sendable {
  let addresses: AffinityShards
  /// Nobody, unless the configuration names a cookie.
  let cookies: AffinityShards
  /// Makes the keys that clients are known by from their cookies' values.
  private let cookieHash: SecretHash

  /// What is in the snapshot of an earlier worker is remembered. `wall` is now in nanoseconds since 1970.
  init(
    _ settings: Configuration.Affinity, restoring snapshot: AffinitySnapshot? = nil, at now: Instant, wall: WallTime
  ) throws(TLSError) {
    addresses = try AffinityShards(settings, entries: settings.entries)
    cookies = try AffinityShards(settings, entries: AffinityStore.cookieEntries(settings))
    guard let snapshot else {
      cookieHash = SecretHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
      return
    }
    cookieHash = snapshot.cookieHash
    addresses.restore(snapshot.addresses, elapsed: snapshot.elapsed(at: wall), at: now)
    guard settings.cookie != nil else { return }
    cookies.restore(snapshot.cookies, elapsed: snapshot.elapsed(at: wall), at: now)
  }

  /// What the client of a session is known by; the cookie's value is kept nowhere.
  func client(ofCookie value: Span<UInt8>) -> ClientKey {
    let hash = cookieHash(value)
    return ClientKey(high: hash.first, low: hash.last)
  }

  /// Takes over changed settings; what no longer fits is forgotten.
  func adopt(_ settings: Configuration.Affinity) {
    addresses.adopt(settings, entries: settings.entries)
    cookies.adopt(settings, entries: AffinityStore.cookieEntries(settings))
  }

  /// How many clients are remembered; one that is known by its address and by its cookie counts as two.
  var count: Int { addresses.count + cookies.count }

  /// How many clients are assigned to each server, counted likewise: there is none left when both are gone.
  func tally(at now: Instant) -> [ServerID: AffinityCount] {
    addresses.tally(at: now).merging(cookies.tally(at: now), uniquingKeysWith: +)
  }

  /// Grows with every change.
  var changes: UInt64 { addresses.changes &+ cookies.changes }

  /// A copy of all that is remembered. Waits for no loop, and lets none wait longer than for a few hundred clients.
  func snapshot(at now: Instant, wall: WallTime) -> AffinitySnapshot {
    AffinitySnapshot(
      cookieHash: cookieHash, taken: wall, addresses: addresses.records(at: now), cookies: cookies.records(at: now))
  }

  /// Without a cookie there is no more than the least table.
  private static func cookieEntries(_ settings: Configuration.Affinity) -> Int {
    settings.cookie == nil ? 0 : settings.entries
  }
}
