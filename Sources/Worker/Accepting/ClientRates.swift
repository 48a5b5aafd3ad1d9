import Balancing
import Synchronization
import TLS
import Wire

/// What clients have used of their rates: in all loops together, and over reloads. In shards with a lock each, so that
/// loops rarely wait for each other.
final class ClientRates: Sendable {
  /// Clients in debt at the same time, for each subject; 1 MB. As many as a machine may have connections
  /// with its usual limits; with a rate of 10/s, 65,536 are 650,000 events a second.
  private static let capacity = 1 << 16
  /// Several per loop, even on a large machine.
  private static let shardCount = 16

  private final class Shard: Sendable {
    let table = Mutex(RateTable(capacity: ClientRates.capacity / ClientRates.shardCount))
  }

  private let connections = ClientRates.makeShards()
  private let handshakes = ClientRates.makeShards()
  private let requests = ClientRates.makeShards()
  /// Selects the shard by the lower half of the hash; the tables use the upper half.
  private let hash: ClientHash

  init() throws(TLSError) { hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord()) }

  /// Decides an event of a client, and charges it if it is allowed.
  func take(
    _ subject: RateRules.Subject, of client: ClientKey, _ rate: Rate, at now: Instant
  ) -> Rate.Decision {
    let shards =
      switch subject {
      case .connections: connections
      case .handshakes: handshakes
      case .requests: requests
      }
    let hash = hash(client)
    return shards[Int(truncatingIfNeeded: hash & UInt64(ClientRates.shardCount - 1))].table.withLock {
      $0.take(hash, rate, at: now)
    }
  }

  private static func makeShards() -> [Shard] { (0..<shardCount).map { _ in Shard() } }
}
