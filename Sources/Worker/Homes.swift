import Balancing
import Configuration
import TLS
import Wire

/// Which server each client is at home on, as all loops know it, for the worker's life and, in a snapshot, beyond.
final class Homes: Sendable {
  let addresses: AffinityShards
  /// Makes the keys that clients are known by from their cookies' values.
  private let cookieHash: SecretHash

  /// What is in the snapshot of an earlier worker is remembered. `wall` is now in nanoseconds since 1970.
  init(
    _ settings: Configuration.Affinity, restoring snapshot: AffinitySnapshot? = nil, at now: Instant, wall: UInt64
  ) throws(TLSError) {
    addresses = try AffinityShards(settings)
    guard let snapshot else {
      cookieHash = SecretHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
      return
    }
    cookieHash = snapshot.cookieHash
    addresses.restore(snapshot.addresses, elapsed: snapshot.elapsed(at: wall), at: now)
  }

  /// Takes over changed settings; what no longer fits is forgotten.
  func adopt(_ settings: Configuration.Affinity) { addresses.adopt(settings) }

  /// How many clients are remembered.
  var count: Int { addresses.count }

  /// How many clients are at home on each server.
  func tally(at now: Instant) -> [ServerID: AffinityCount] { addresses.tally(at: now) }

  /// Grows with every change.
  var changes: UInt64 { addresses.changes }

  /// A copy of all that is remembered. Waits for no loop, and lets none wait longer than for a few hundred clients.
  func snapshot(at now: Instant, wall: UInt64) -> AffinitySnapshot {
    AffinitySnapshot(cookieHash: cookieHash, taken: wall, addresses: addresses.records(at: now), cookies: [])
  }
}
