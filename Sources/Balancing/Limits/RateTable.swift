import Wire

/// What clients have used of a rate. Not thread-safe.
///
/// Its memory is fixed. A client has an entry only while it has a debt, and can have it in one of `ways` places, which
/// its hash decides. If all of these are in debt to the present, a new client takes the place of the one with the least
/// debt, and its debt as well: so with any number of addresses, no more events are allowed than `capacity` clients may
/// have. The hash is keyed, so that no client can choose addresses that meet another's.
public struct RateTable: ~Copyable {
  private struct Entry {
    /// The client's whole hash.
    var client: UInt64 = 0
    /// When the client has paid for all of its events. The entry is free from then on.
    var paid = Instant(nanoseconds: 0)
  }

  /// Two lines of a processor's cache. With half of the table in debt, a client in 50 finds all places taken.
  private static let ways = 8

  /// The number of clients, a multiple of `ways`.
  private let capacity: Int
  /// Allocated with the first event.
  private var entries: [Entry] = []

  /// Rounds the capacity up to whole sets.
  public init(capacity: Int) {
    self.capacity = max(1, (capacity + RateTable.ways - 1) / RateTable.ways) * RateTable.ways
  }

  /// Decides an event of the client with this hash, and charges it if it is allowed.
  public mutating func take(_ client: UInt64, _ rate: Rate, at now: Instant) -> Rate.Decision {
    if entries.isEmpty { entries = Array(repeating: Entry(), count: capacity) }
    let start = firstPlace(of: client)
    var place = start
    for candidate in start..<start &+ RateTable.ways {
      if entries[candidate].client == client {
        place = candidate
        break
      }
      if entries[candidate].paid < entries[place].paid { place = candidate }
    }
    // Free, or the client's own, or that of the least debt.
    let decision = rate.decide(&entries[place].paid, at: now)
    if decision == .allowed { entries[place].client = client }
    return decision
  }

  /// Scales the upper half of the hash to the number of sets; shards are selected by the lower one.
  private func firstPlace(of client: UInt64) -> Int {
    let sets = UInt64(truncatingIfNeeded: capacity / RateTable.ways)
    return Int(truncatingIfNeeded: ((client &>> 32) &* sets) &>> 32) &* RateTable.ways
  }
}
