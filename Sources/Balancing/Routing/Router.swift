/// Picks a client's server. Knows the servers of one configuration and nothing else; what changes is handed in.
public struct Router: Sendable {
  let servers: [Server]
  /// Servers with a weight, by their order of use.
  let primaries: ServerSet
  let backups: ServerSet
  /// Sets of these servers have nothing above their first word: no array is looked at, nor counted references to.
  let hasOneWord: Bool

  /// At most `ServerSet.capacity` servers; what the router answers is an index into them.
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

  /// The server of `client`, nil when none can take it.
  ///
  /// A client that is `known` to a server, as the affinity table says, stays there while the server takes known
  /// clients: up, draining or with weight 0, backup or not. Every other client goes where it wins the rendezvous among
  /// the primary servers that are up and have a weight, and only when there is none of them, among the backup ones.
  /// Servers already `tried` for this request are left out throughout.
  ///
  /// `share` says how much of a server's weight counts for new clients, in parts of which `SlowStart.whole` are all. Who is
  /// won with a smaller share is won with a larger one: as it grows, clients come and none leaves. Servers that are
  /// `suspected` get no new clients, unless that would leave less than half of those that could.
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
    let usable = availability.takesNew.subtracting(tried)
    let primaries = usable.intersection(primaries)
    let chosen = primaries.isEmpty ? usable.intersection(backups) : primaries
    let rest = chosen.subtracting(suspected)
    return winner(for: client, among: 2 * rest.count < chosen.count ? chosen : rest, share: share)
  }

  /// The server that a client is known to, when it takes known clients and was not tried.
  public func assigned(_ known: ServerID, availability: Availability, tried: ServerSet) -> Int? {
    guard let index = index(of: known), availability.takesKnown.contains(index), !tried.contains(index) else {
      return nil
    }
    return index
  }

  /// The index of a server of this configuration; nil when it has left it.
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
