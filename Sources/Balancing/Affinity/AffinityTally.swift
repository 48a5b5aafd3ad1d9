/// How many clients are assigned to a server.
public struct AffinityCount: Hashable, Sendable {
  /// Those that are remembered.
  public var clients = 0
  /// Those of them with an open session.
  public var sessions = 0

  public init(clients: Int = 0, sessions: Int = 0) {
    self.clients = clients
    self.sessions = sessions
  }

  /// Counts of different clients, added up.
  public static func + (left: AffinityCount, right: AffinityCount) -> AffinityCount {
    AffinityCount(clients: left.clients + right.clients, sessions: left.sessions + right.sessions)
  }
}

/// The clients of an affinity table by server, counted as they come and go. A server without clients is not in it, so
/// that it has as few lines as there are servers, and is searched from its beginning.
///
/// Invariant: `0 ≤ sessions ≤ clients` and `1 ≤ clients` in every line.
public struct AffinityTally: Sendable {
  public private(set) var lines: [(server: ServerID, count: AffinityCount)] = []

  /// What is counted for a server.
  public subscript(server: ServerID) -> AffinityCount {
    lines.first { $0.server == server }?.count ?? AffinityCount()
  }

  /// A client is assigned to it now, with an open session or without.
  mutating func add(_ server: ServerID, hasSession: Bool) {
    let line = line(of: server)
    lines[line].count.clients += 1
    if hasSession { lines[line].count.sessions += 1 }
  }

  /// A client that was counted is no longer assigned to it.
  mutating func remove(_ server: ServerID, hadSession: Bool) {
    let line = line(of: server)
    lines[line].count.clients -= 1
    if hadSession { lines[line].count.sessions -= 1 }
    if lines[line].count.clients == 0 { lines.remove(at: line) }
  }

  /// A client that was counted has begun its first session, or ended its last.
  mutating func note(_ server: ServerID, hasSession: Bool) {
    lines[line(of: server)].count.sessions += hasSession ? 1 : -1
  }

  private mutating func line(of server: ServerID) -> Int {
    if let index = lines.firstIndex(where: { $0.server == server }) { return index }
    lines.append((server, AffinityCount()))
    return lines.count - 1
  }
}
