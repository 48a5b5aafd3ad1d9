import Wire

/// Which clients were above a rate since the last line about it, and how often: those most often by their address, within
/// a fixed number of places, and the others together.
///
/// A client without a place takes that of the one with the least events, and of its own only those since then are
/// counted for it. So a client with more than one event in `capacity` has a place at the end, whatever others do.
public struct ExcessTally: Sendable {
  /// A client, the events up to which it may be another's, and all of its place.
  private struct Place: Sendable {
    var client: ClientKey
    var address: IPAddress
    var inherited: Int
    var count: Int

    var ownCount: Int { count - inherited }
  }

  /// As many as a line of the log has room for.
  public static let capacity = 6

  private var places: [Place] = []
  private var total = 0

  public init() {}

  public var isEmpty: Bool { total == 0 }

  /// Counts an event of a client: an address, or an IPv6 /64, of which the first address is named.
  public mutating func note(_ address: IPAddress) {
    total &+= 1
    let client = ClientKey(address)
    if let index = places.firstIndex(where: { $0.client == client }) {
      places[index].count &+= 1
    } else if places.count < ExcessTally.capacity {
      places.append(Place(client: client, address: address, inherited: 0, count: 1))
    } else if let index = places.indices.min(by: { places[$0].count < places[$1].count }) {
      let least = places[index].count
      places[index] = Place(client: client, address: address, inherited: least, count: least &+ 1)
    }
  }

  /// The clients, the one with the most events first, and the number of events of others. Begins anew.
  public mutating func take() -> (clients: [(address: IPAddress, count: Int)], others: Int) {
    let sorted = places.sorted { $0.ownCount > $1.ownCount }.map { (address: $0.address, count: $0.ownCount) }
    let others = sorted.reduce(total) { $0 - $1.count }
    self = ExcessTally()
    return (sorted, others)
  }
}
