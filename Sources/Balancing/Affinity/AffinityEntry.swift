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
  /// Neighbours in a circular list that includes its head. In an unused entry, `next` is the next unused one.
  var next: UInt32
  var previous: UInt32

  /// The indices of the list heads.
  static let idle: UInt32 = 0
  static let open: UInt32 = 1
  static let none = UInt32.max

  /// Whether the entry is used by a client.
  var isUsed: Bool { previous != AffinityEntry.none }

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
