import Wire

/// Whose knowledge is merged into a table.
public enum AffinitySource: Hashable, Sendable {
  /// An earlier worker's.
  case file
  /// That of another node, by its number from 0 to 254. `settles`: this node's view counts when both have assigned a
  /// client at the same time.
  case node(UInt8, settles: Bool)

  var number: UInt8 {
    switch self {
    case .file: .max
    case .node(let number, _): number
    }
  }
}

/// Clients that were assigned or moved here.
public struct AffinityChanges: Sendable {
  public var records: [AffinityRecord] = []
  /// There are more.
  public var hasMore = false
  /// Some were lost: the queue was full.
  public var areIncomplete = false

  /// None.
  public init() {}
}

extension AffinityTable {
  /// Instants of different nodes are compared to within this.
  static let uncertainty = Interval.seconds(1)

  /// Merges what another node or a file tells of clients, in any order. The silence of the records is relative to
  /// `moment`, which is not after `now`.
  ///
  /// The later activity decides, and at the same instant the greater server. A client with a session here is active
  /// now. In a full table, a client is replaced if it has been inactive longer and has no session. What was merged is
  /// not among the changes, except what this node settles.
  public mutating func merge(
    _ records: ArraySlice<AffinityRecord>, from source: AffinitySource, asOf moment: Instant, at now: Instant
  ) {
    for record in records where record.silence < hold {
      let seen = min(moment, now) - record.silence
      guard now - seen < hold else { continue }
      let bits = tableHash(record.client)
      if let entry = find(record.client, bits) {
        guard isOver(entry, at: now) else {
          merge(record, into: entry, seen: seen, from: source, at: now)
          continue
        }
        remove(entry, bits)
      }
      if count == capacity {
        guard let oldest = longestIdle, entries[oldest].lastSeen < seen else { continue }
        remove(oldest, tableHash(entries[oldest].key))
      }
      _ = add(record.client, bits, server: record.server, at: seen, from: source)
    }
  }

  private mutating func merge(
    _ record: AffinityRecord, into entry: Int, seen: Instant, from source: AffinitySource, at now: Instant
  ) {
    let known = entries[entry]
    guard known.sessions == 0 else { return }
    let moves = known.server != record.server
    let isNear = max(seen - known.lastSeen, known.lastSeen - seen) <= Self.uncertainty
    var settles = false
    if moves, isNear, !known.isReported(by: source), case .node(_, let isSettledHere) = source {
      // Each of two nodes may find the other one's activity to be the later: one decides, and must hear of both.
      guard isSettledHere || known.isReported else { return noteChange(of: entry) }
      settles = isSettledHere
    }
    // Of two nodes that saw a client at the same time, on the same server, both keep telling others of it. What a node
    // says is later than what it said before, however long either was on the way.
    let isLater =
      if !moves { seen > known.lastSeen + Self.uncertainty } else if known.isReported(by: source) {
        isNear || seen > known.lastSeen
      } else { (seen, record.server.rawValue) > (known.lastSeen, known.server.rawValue) }
    if isLater {
      unlink(entry)
      move(entry, to: record.server)
      entries[entry].lastSeen = max(seen, known.lastSeen)
      linkReported(entry, from: source)
    }
    if settles {
      freshen(entry, at: now)
      noteChange(of: entry)
    }
  }

  /// Takes at most `limit` clients that were assigned or moved here since they were last taken; the queue holds
  /// `changeLimit`.
  public mutating func takeChanges(limit: Int, at now: Instant) -> AffinityChanges {
    var changes = AffinityChanges()
    for entry in changed.suffix(limit) {
      if let record = record(of: Int(entry), at: now), !entries[Int(entry)].isReported {
        changes.records.append(record)
      }
    }
    changed.removeLast(min(limit, changed.count))
    changes.hasMore = !changed.isEmpty
    changes.areIncomplete = hasLostChanges
    hasLostChanges = false
    return changes
  }

  /// Notes that the client was assigned or moved here.
  mutating func noteChange(of entry: Int) {
    guard changed.count < changeLimit else {
      hasLostChanges = true
      return
    }
    changed.append(UInt32(entry))
  }

  /// Puts an entry into the heap.
  mutating func linkReported(_ entry: Int, from source: AffinitySource) {
    changes &+= 1
    entries[entry].previous = AffinityEntry.reported | UInt32(source.number)
    reported.insert(entry, in: &entries)
  }

  /// The client without a session that has been inactive longest.
  var longestIdle: Int? {
    let own = Int(entries[Int(AffinityEntry.idle)].previous)
    guard let other = reported.first else { return own == Int(AffinityEntry.idle) ? nil : own }
    guard own != Int(AffinityEntry.idle), entries[own].lastSeen < entries[other].lastSeen else { return other }
    return own
  }
}
