import Wire

/// Whose knowledge is merged into a table.
public enum AffinitySource: Hashable, Sendable {
  /// An earlier worker's.
  case file
  /// That of another node, by its number from 0 to 254.
  case node(UInt8)

  var number: UInt8 {
    switch self {
    case .file: .max
    case .node(let number): number
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
  /// Of two nodes that see a client on the same server within this time, both keep telling others of it.
  static let uncertainty = Interval.seconds(1)

  /// Merges what another node or a file knows of clients, in any order. The silence of the records is relative to
  /// `moment`, which is not after `now`.
  ///
  /// The later assignment decides, and at the same time the greater server: all nodes come to the same answer. A session
  /// counts from its beginning, since the machine at its other end may be gone; sessions at a server that loses no longer
  /// count. In a full table, a client is replaced if it has been inactive longer and has no session here. What was merged
  /// is not among the changes; an assignment of this node that another one does not know yet is.
  public mutating func merge(
    _ records: ArraySlice<AffinityRecord>, from source: AffinitySource, asOf moment: Instant, at now: Instant
  ) {
    for record in records where record.silence < hold {
      let seen = min(moment, now) - record.silence
      let activeUntil = AffinityEntry.activeUntil(seen, isOpenElsewhere: record.isOpen)
      guard now - activeUntil < hold else { continue }
      // What a file has was before now, even if the wall clock was put back since.
      let assigned = source == .file ? min(record.assigned, clock.time(at: now)) : record.assigned
      let bits = tableHash(record.client)
      if let entry = find(record.client, bits) {
        guard isOver(entry, at: now) else {
          merge(record, assigned: assigned, into: entry, seen: seen, from: source)
          continue
        }
        remove(entry, bits)
      }
      if count == capacity {
        guard let oldest = longestIdle, entries[oldest].activeUntil < activeUntil else { continue }
        remove(oldest, tableHash(entries[oldest].key))
      }
      let entry = add(record.client, bits, server: record.server, assigned: assigned, lastSeen: seen)
      linkReported(entry, isOpen: record.isOpen, from: source)
    }
  }

  private mutating func merge(
    _ record: AffinityRecord, assigned: AssignmentTime, into entry: Int, seen: Instant, from source: AffinitySource
  ) {
    let known = entries[entry]
    if known.server == record.server {
      entries[entry].assigned = max(known.assigned, assigned)
      let isLater = known.isReported(by: source) || seen > known.lastSeen + Self.uncertainty
      guard known.sessions == 0, isLater else { return }
      unlink(entry)
    } else {
      guard (assigned, record.server.rawValue) > (known.assigned, known.server.rawValue) else {
        if source != .file, !known.isReported { noteChange(of: entry) }
        return
      }
      unlink(entry)
      move(entry, to: record.server)
      entries[entry].assigned = assigned
    }
    entries[entry].lastSeen = max(seen, known.lastSeen)
    linkReported(entry, isOpen: record.isOpen, from: source)
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

  /// Puts an entry into the heap. `isOpen`: the client has a session elsewhere.
  private mutating func linkReported(_ entry: Int, isOpen: Bool, from source: AffinitySource) {
    changes &+= 1
    entries[entry].previous =
      AffinityEntry.reported | (isOpen ? AffinityEntry.openElsewhere : 0) | UInt32(source.number)
    reported.insert(entry, in: &entries)
  }

  /// The client without a session here that has been inactive longest.
  var longestIdle: Int? {
    let own = Int(entries[Int(AffinityEntry.idle)].previous)
    guard let other = reported.first else { return own == Int(AffinityEntry.idle) ? nil : own }
    guard own != Int(AffinityEntry.idle), entries[own].lastSeen < entries[other].activeUntil else { return other }
    return own
  }
}
