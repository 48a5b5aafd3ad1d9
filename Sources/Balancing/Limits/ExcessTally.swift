import Wire

/// Which clients were above a rate since the last line about it, and how often: those most often by their address, within
/// a fixed number of places, and the others together.
///
/// By the algorithm Space-Saving (Metwally, Agrawal, El Abbadi 2005): a client without a place takes that of the one
/// with the least events, and these too, so that one with more than one event in `capacity` has a place at the end,
/// whatever others do. What it is known to have had are those since then.
public struct ExcessTally: Sendable {
  /// A client, the events up to which it may be another's, and all of its place.
  private struct Place: Sendable {
    var client: ClientKey
    var address: IPAddress
    var inherited: Int
    var count: Int

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

  /// A client, and how often it was above the rate: exactly, or at least.
  public struct Entry: Hashable, Sendable {
    public let address: IPAddress
    public let count: Int
    public let isExact: Bool
  }

  /// The clients, the one that may have had the most events first, and the number of events of others. Begins anew.
  public mutating func take() -> (clients: [Entry], others: Int) {
    let clients = places.sorted { $0.count > $1.count }.map {
      Entry(address: $0.address, count: $0.count - $0.inherited, isExact: $0.inherited == 0)
    }
    let others = clients.reduce(total) { $0 - $1.count }
    places.removeAll(keepingCapacity: true)
    total = 0
    return (clients, others)
  }
}
