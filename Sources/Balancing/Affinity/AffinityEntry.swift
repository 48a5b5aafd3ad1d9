import Wire

/// The entry of one client, or the head of a list of entries. 48 bytes.
struct AffinityEntry {
  var key: ClientKey
  var server: ServerID
  var lastSeen: Instant
  /// Number of open sessions.
  var sessions: UInt32 = 0
  /// Distinguishes the clients that used this entry one after the other: a session of an earlier client is ignored.
  var generation: UInt32 = 0
  /// Neighbours in a circular list that includes its head. In an unused entry, `next` is the next unused one. In the
  /// heap of `ReportedClients`, `next` is the position and `previous` tells the source.
  var next: UInt32
  var previous: UInt32

  /// The indices of the list heads.
  static let idle: UInt32 = 0
  static let open: UInt32 = 1
  static let none = UInt32.max
  /// `previous` in the heap, without the number of the source.
  static let reported: UInt32 = 1 << 31

  /// Whether the entry is used by a client.
  var isUsed: Bool { previous != AffinityEntry.none }

  /// Whether the client was last active elsewhere, and has no session here.
  var isReported: Bool { previous >= AffinityEntry.reported && isUsed }

  func isReported(by source: AffinitySource) -> Bool {
    source != .file && previous == AffinityEntry.reported | UInt32(source.number)
  }

  init(key: ClientKey, server: ServerID, lastSeen: Instant) {
    self.key = key
    self.server = server
    self.lastSeen = lastSeen
    next = AffinityEntry.none
    previous = AffinityEntry.none
  }

  init(head place: UInt32) {
    self.init(
      key: ClientKey(IPAddress(v4: 0)), server: ServerID(name: ""), lastSeen: Instant(nanoseconds: 0))
    next = place
    previous = place
  }

  /// Reuses the entry for a new client.
  mutating func renew(key: ClientKey, server: ServerID, lastSeen: Instant) {
    let generation = generation
    self = AffinityEntry(key: key, server: server, lastSeen: lastSeen)
    self.generation = generation
  }
}
