/// Selects a client's server. Depends on one configuration's servers; everything variable is a parameter.
public struct Router: Sendable {
  let servers: [Server]
  /// Primary servers with a weight above 0.
  let primaries: ServerSet
  let backups: ServerSet
  /// All indices are below 64: set operations need only the first word, without array accesses or reference counting.
  let hasOneWord: Bool

  /// At most `ServerSet.capacity` servers; the router returns indices into them.
  public init(servers: [Server]) {
    precondition(servers.count <= ServerSet.capacity, "more servers than a set can hold")
    var primaries = ServerSet()
    var backups = ServerSet()
    for (index, server) in servers.enumerated() where server.weight > 0 {
      if server.isBackup { backups.insert(index) } else { primaries.insert(index) }
    }
    self.servers = servers
    self.primaries = primaries
    self.backups = backups
    hasOneWord = servers.count <= 64
  }

  /// The server for `client`; nil when there is none.
  ///
  /// A client that is `known` to a server, according to the affinity table, stays with it while it accepts known
  /// clients: up, draining or with weight 0, primary or backup. For every other client, rendezvous hashing selects one
  /// of the primary servers that are up and have a weight, or of the backup servers when there is no such primary.
  /// Servers already `tried` for this request are always excluded.
  ///
  /// `share` returns the share of a server's weight for new clients, where `SlowStart.whole` is the full weight. A
  /// client that a server wins with a smaller share it also wins with a larger one: as the share grows, the server only
  /// gains clients. Servers that are `suspected` get no new clients, unless that would leave less than half of the
  /// available ones.
  public func route(
    _ client: ClientKey, known: ServerID?, availability: Availability, tried: ServerSet = ServerSet(),
    suspected: ServerSet = ServerSet(), share: (Int) -> Int = { _ in SlowStart.whole }
  ) -> Int? {
    if let known, let index = assigned(known, availability: availability, tried: tried) { return index }
    if hasOneWord {
      let usable = availability.takesNew.low & ~tried.low
      let primaries = usable & primaries.low
      let chosen = primaries == 0 ? usable & backups.low : primaries
      let rest = chosen & ~suspected.low
      return winner(
        for: client, among: 2 * rest.nonzeroBitCount < chosen.nonzeroBitCount ? chosen : rest, share: share)
    }
    return winner(
      for: client, among: candidates(availability: availability, tried: tried, suspected: suspected), share: share)
  }

  /// The servers among which the hash decides for a new client.
  public func candidates(availability: Availability, tried: ServerSet, suspected: ServerSet) -> ServerSet {
    let usable = availability.takesNew.subtracting(tried)
    let primaries = usable.intersection(primaries)
    let chosen = primaries.isEmpty ? usable.intersection(backups) : primaries
    let rest = chosen.subtracting(suspected)
    return 2 * rest.count < chosen.count ? chosen : rest
  }

  /// The client's known server, when it accepts known clients and was not tried.
  public func assigned(_ known: ServerID, availability: Availability, tried: ServerSet) -> Int? {
    guard let index = index(of: known), availability.takesKnown.contains(index), !tried.contains(index) else {
      return nil
    }
    return index
  }

  /// The index of a server; nil when it is not in this configuration.
  public func index(of id: ServerID) -> Int? {
    for index in servers.indices where servers[index].id == id { return index }
    return nil
  }

  func winner(for client: ClientKey, among indices: ServerSet, share: (Int) -> Int) -> Int? {
    var race = Rendezvous(for: client)
    indices.forEach { index in
      race.enter(servers[index].id, weight: servers[index].weight * share(index), index: index)
    }
    return race.winner
  }

  func winner(for client: ClientKey, among indices: UInt64, share: (Int) -> Int) -> Int? {
    var race = Rendezvous(for: client)
    ServerSet.forEach(in: indices, from: 0) { index in
      race.enter(servers[index].id, weight: servers[index].weight * share(index), index: index)
    }
    return race.winner
  }
}
