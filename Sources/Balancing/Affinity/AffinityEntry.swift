import Wire

/// One client, or the head of a list of clients. 48 bytes.
struct AffinityEntry {
  var key: ClientKey
  var server: ServerID
  var lastSeen: Instant
  /// Sessions that have begun and not ended.
  var sessions: UInt32 = 0
  /// Which client of this place it is: a session of an earlier one ends nothing.
  var generation: UInt32 = 0
  /// Neighbours in a circular list through its head. In a place that nobody has, `next` is the next free one.
  var next: UInt32
  var previous: UInt32

  /// The heads' own places.
  static let idle: UInt32 = 0
  static let open: UInt32 = 1
  static let none = UInt32.max

  /// A client has this place.
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

  /// A new client in an old place.
  mutating func renew(key: ClientKey, server: ServerID, lastSeen: Instant) {
    let generation = generation
    self = AffinityEntry(key: key, server: server, lastSeen: lastSeen)
    self.generation = generation
  }
}
