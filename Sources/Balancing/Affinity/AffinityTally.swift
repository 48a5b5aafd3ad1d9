/// Number of clients assigned to a server.
public struct AffinityCount: Hashable, Sendable {
  /// Clients with an entry in the table.
  public var clients = 0
  /// Clients with an open session.
  public var sessions = 0

  public init(clients: Int = 0, sessions: Int = 0) {
    self.clients = clients
    self.sessions = sessions
  }

  /// The sum of the counts of disjoint sets of clients.
  public static func + (left: AffinityCount, right: AffinityCount) -> AffinityCount {
    AffinityCount(clients: left.clients + right.clients, sessions: left.sessions + right.sessions)
  }
}

/// The clients of an affinity table by server, counted as entries are added and removed. A server without clients has
/// no line, so that there are at most as many lines as servers, and a linear search suffices.
///
/// Invariant: `0 ≤ sessions ≤ clients` and `1 ≤ clients` in every line.
public struct AffinityTally: Sendable {
  public private(set) var lines: [(server: ServerID, count: AffinityCount)] = []
  /// Number of clients so far that were removed because the table was full.
  public private(set) var evictions: UInt64 = 0

  /// The count of a server.
  public subscript(server: ServerID) -> AffinityCount {
    lines.first { $0.server == server }?.count ?? AffinityCount()
  }

  /// Counts a client that was assigned to the server, with an open session or without.
  mutating func add(_ server: ServerID, hasSession: Bool) {
    let line = line(of: server)
    lines[line].count.clients += 1
    if hasSession { lines[line].count.sessions += 1 }
  }

  /// Stops counting a client that is no longer assigned to the server.
  mutating func remove(_ server: ServerID, hadSession: Bool) {
    let line = line(of: server)
    lines[line].count.clients -= 1
    if hadSession { lines[line].count.sessions -= 1 }
    if lines[line].count.clients == 0 { lines.remove(at: line) }
  }

  mutating func noteEviction() { evictions &+= 1 }

  /// A counted client has begun its first session, or ended its last.
  mutating func note(_ server: ServerID, hasSession: Bool) {
    lines[line(of: server)].count.sessions += hasSession ? 1 : -1
  }

  private mutating func line(of server: ServerID) -> Int {
    if let index = lines.firstIndex(where: { $0.server == server }) { return index }
    lines.append((server, AffinityCount()))
    return lines.count - 1
  }
}
