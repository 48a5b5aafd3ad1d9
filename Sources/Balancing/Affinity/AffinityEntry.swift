import Wire

/// The entry of one client, or the head of a list of entries. 56 bytes.
struct AffinityEntry {
  var key: ClientKey
  var server: ServerID
  /// When the client was assigned, or its last session here began: the later assignment counts on all nodes.
  var assigned: AssignmentTime
  /// When the client was last known to be active, for the hold time.
  var lastSeen: Instant
  /// Number of open sessions at this server.
  var sessions: UInt32 = 0
  /// Distinguishes the clients that used this entry one after the other, and the servers of one client: a session of an
  /// earlier client, or at an earlier server, is ignored.
  var generation: UInt32 = 0
  /// Neighbours in a circular list that includes its head. In an unused entry, `next` is the next unused one. In the
  /// heap of `ReportedClients`, `next` is the position and `previous` is the source.
  var next: UInt32
  var previous: UInt32

  /// The indices of the list heads.
  static let idle: UInt32 = 0
  static let open: UInt32 = 1
  static let none = UInt32.max
  /// `previous` in the heap, without the number of the source and the flag.
  static let reported: UInt32 = 1 << 31
  /// The flag in the heap: the client had a session elsewhere.
  static let openElsewhere: UInt32 = 1 << 8
  /// How long a client with a session elsewhere counts as active after a report: longer than until the next one.
  static let reportValidity = Interval.minutes(6)

  /// Whether the entry is used by a client.
  var isUsed: Bool { previous != AffinityEntry.none }

  /// Whether the client was last active elsewhere, and has no session here.
  var isReported: Bool { previous >= AffinityEntry.reported && isUsed }

  func isReported(by source: AffinitySource) -> Bool {
    source != .file && isReported && UInt8(truncatingIfNeeded: previous) == source.number
  }

  /// Whether another node has reported an open session.
  var isOpenElsewhere: Bool { isReported && previous & AffinityEntry.openElsewhere != 0 }

  /// From when on a client without a session here counts as inactive.
  var activeUntil: Instant { Self.activeUntil(lastSeen, isOpenElsewhere: isOpenElsewhere) }

  static func activeUntil(_ lastSeen: Instant, isOpenElsewhere: Bool) -> Instant {
    isOpenElsewhere ? lastSeen + reportValidity : lastSeen
  }

  init(key: ClientKey, server: ServerID, assigned: AssignmentTime, lastSeen: Instant) {
    self.key = key
    self.server = server
    self.assigned = assigned
    self.lastSeen = lastSeen
    next = AffinityEntry.none
    previous = AffinityEntry.none
  }

  init(head index: UInt32) {
    self.init(
      key: ClientKey(IPAddress(v4: 0)), server: ServerID(name: ""), assigned: AssignmentTime(nanoseconds: 0),
      lastSeen: Instant(nanoseconds: 0))
    next = index
    previous = index
  }

  /// Reuses the entry for a new client.
  mutating func renew(key: ClientKey, server: ServerID, assigned: AssignmentTime, lastSeen: Instant) {
    let generation = generation
    self = AffinityEntry(key: key, server: server, assigned: assigned, lastSeen: lastSeen)
    self.generation = generation
  }
}
