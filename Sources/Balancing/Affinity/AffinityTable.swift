import Wire

/// The server that each client is assigned to, while the client has a session or had one within the hold time. It takes
/// precedence over the rendezvous hash, so that a server that recovers, is added or changes its weight moves no client
/// during a session.
///
/// It never exceeds its capacity, whatever addresses are used: the client with the longest inactivity is removed, one
/// with an open session only if there are no others. Every operation takes the same short time and allocates nothing;
/// an entry costs 68 bytes, 12 of them in the index. Not locked: only one owner at a time. Instants may be slightly out
/// of order, because they come from several threads.
///
/// Invariants: `count ≤ capacity`; an entry is in the index and in exactly one of three places: in the list `open` when
/// it has sessions, otherwise in the list `idle` if the client was last active here, or in the heap `reported`; each
/// list is ordered by last activity, the most recent first.
public struct AffinityTable: ~Copyable {
  /// One session of a client, to be ended once. Ending it after its client was moved or removed has no effect.
  public struct Session: Hashable, Sendable {
    let entry: UInt32
    let generation: UInt32
  }

  /// How long a client is kept after its last activity or the end of its last session.
  public var hold: Interval
  /// Maximum of clients.
  public private(set) var capacity: Int
  /// Number of clients, including expired ones that have not been removed yet.
  public private(set) var count = 0
  /// A counter that increases with every change, including activity: while it is unchanged, an earlier copy is current.
  public internal(set) var changes: UInt64 = 0
  /// Number of clients assigned to each server.
  public private(set) var tally = AffinityTally()

  /// Gives the time of assignments.
  public var clock: AssignmentClock

  private let hash: ClientHash
  private var index: ClientIndex
  var entries: [AffinityEntry]
  var reported = ReportedClients()
  /// The entries of clients that were assigned or moved here, for `takeChanges`; a client may be in it twice.
  var changed: [UInt32] = []
  let changeLimit: Int
  /// Some did not fit.
  var hasLostChanges = false
  /// The first unused entry; unused entries are linked by `next`.
  private var free = AffinityEntry.none

  /// An empty table for `1 ≤ capacity < 2³⁰` clients. `changeLimit`: how many changes wait for `takeChanges`, 0 if it is
  /// not used. `clock`: without one, assignments have the times of the instants here.
  public init(
    capacity: Int, hold: Interval, hash: ClientHash, changeLimit: Int = 0,
    clock: AssignmentClock = AssignmentClock(WallTime(seconds: 0), at: Instant(nanoseconds: 0))
  ) {
    precondition(1..<1 << 30 ~= capacity, "an affinity table holds 1 to 2³⁰ − 1 clients")
    self.capacity = capacity
    self.hold = hold
    self.hash = hash
    self.changeLimit = changeLimit
    self.clock = clock
    changed.reserveCapacity(changeLimit)
    index = ClientIndex(capacity: capacity)
    entries = [AffinityEntry(head: AffinityEntry.idle), AffinityEntry(head: AffinityEntry.open)]
    entries.reserveCapacity(capacity + AffinityTable.headCount)
  }

  /// The server that the client is assigned to. Does not count as activity.
  public mutating func lookup(_ client: ClientKey, at now: Instant) -> ServerID? {
    let bits = tableHash(client)
    guard let entry = find(client, bits) else { return nil }
    if isOver(entry, at: now) {
      remove(entry, bits)
      return nil
    }
    return entries[entry].server
  }

  /// Assigns the client to the server. Its sessions at another server count no longer.
  public mutating func assign(_ client: ClientKey, to server: ServerID, at now: Instant) {
    _ = place(client, on: server, at: now)
  }

  /// Assigns the client to the server and keeps its entry at least until the session ends.
  public mutating func sessionBegan(_ client: ClientKey, on server: ServerID, at now: Instant) -> Session {
    let entry = place(client, on: server, at: now)
    if entries[entry].sessions == 0 { tally.note(server, hasSession: true) }
    entries[entry].sessions &+= 1
    freshen(entry, at: now)
    return Session(entry: UInt32(entry), generation: entries[entry].generation)
  }

  /// Ends a session: the hold time begins if it was the client's last.
  public mutating func sessionEnded(_ session: Session, at now: Instant) {
    let entry = Int(session.entry)
    guard entry < entries.count, entries[entry].generation == session.generation, entries[entry].sessions > 0 else {
      return
    }
    entries[entry].sessions -= 1
    if entries[entry].sessions == 0 { tally.note(entries[entry].server, hasSession: false) }
    freshen(entry, at: now)
  }

  /// Removes at most `limit` expired clients, those with the longest inactivity first.
  public mutating func forgetOver(at now: Instant, limit: Int) {
    for _ in 0..<limit {
      guard let oldest = longestIdle, isOver(oldest, at: now) else { return }
      remove(oldest, tableHash(entries[oldest].key))
    }
  }

  /// Changes the capacity; entries beyond it are evicted as usual. The time is proportional to the size of the table.
  /// Sessions stay valid.
  public mutating func resize(to newCapacity: Int) {
    precondition(1..<1 << 30 ~= newCapacity, "an affinity table holds 1 to 2³⁰ − 1 clients")
    while count > newCapacity { evict() }
    capacity = newCapacity
    index = ClientIndex(capacity: newCapacity)
    entries.reserveCapacity(newCapacity + AffinityTable.headCount)
    for entry in AffinityTable.headCount..<entries.count where entries[entry].isUsed {
      index.insert(tableHash(entries[entry].key), entry: entry)
    }
  }

  /// Copies the entries in the slots from 0 up to `slotCount`; slots beyond it are ignored. A client that moves from one
  /// slot to another between two calls may be copied twice or not at all. `activeSince`: only clients that
  /// have a session or were last active here, not before that.
  public func records(in slots: Range<Int>, activeSince: Instant? = nil, at now: Instant) -> [AffinityRecord] {
    var records: [AffinityRecord] = []
    for slot in slots.clamped(to: 0..<slotCount) {
      let entry = slot + AffinityTable.headCount
      guard let record = record(of: entry, at: now) else { continue }
      if let activeSince, entries[entry].sessions == 0 {
        guard !entries[entry].isReported, entries[entry].lastSeen >= activeSince else { continue }
      }
      records.append(record)
    }
    return records
  }

  /// What the entry says; nil if it is unused or has expired.
  func record(of entry: Int, at now: Instant) -> AffinityRecord? {
    let client = entries[entry]
    guard client.isUsed, !isOver(entry, at: now) else { return nil }
    return AffinityRecord(
      client: client.key, server: client.server, assigned: client.assigned,
      silence: client.sessions > 0 ? .zero : now - client.lastSeen,
      isOpen: client.sessions > 0 || client.isOpenElsewhere)
  }

  /// The number of slots for `records`, including unused ones.
  public var slotCount: Int { entries.count - AffinityTable.headCount }

  private static let headCount = 2

  func tableHash(_ client: ClientKey) -> UInt32 { UInt32(truncatingIfNeeded: hash(client) >> 32) }

  func find(_ client: ClientKey, _ bits: UInt32) -> Int? {
    index.find(bits) { entries[$0].key == client }
  }

  func isOver(_ entry: Int, at now: Instant) -> Bool {
    entries[entry].sessions == 0 && now - entries[entry].activeUntil >= hold
  }

  /// The client's entry, assigned to this server and created if necessary.
  private mutating func place(_ client: ClientKey, on server: ServerID, at now: Instant) -> Int {
    let bits = tableHash(client)
    if let entry = find(client, bits) {
      entries[entry].assigned = max(clock.time(at: now), entries[entry].assigned.next)
      if entries[entry].server != server {
        move(entry, to: server)
        noteChange(of: entry)
      }
      freshen(entry, at: now)
      return entry
    }
    // Two for each new entry: expired entries are removed while the table is used.
    forgetOver(at: now, limit: 2)
    if count == capacity { evict() }
    let entry = add(client, bits, server: server, assigned: clock.time(at: now), lastSeen: now)
    link(entry)
    noteChange(of: entry)
    return entry
  }

  /// Counts the client for another server. Its sessions at the former one may be those of a machine that vanished: their
  /// end says nothing of the client any more.
  mutating func move(_ entry: Int, to server: ServerID) {
    tally.remove(entries[entry].server, hadSession: entries[entry].sessions > 0)
    tally.add(server, hasSession: false)
    entries[entry].server = server
    entries[entry].sessions = 0
    entries[entry].generation &+= 1
  }

  /// Adds an entry, which the caller links.
  mutating func add(
    _ client: ClientKey, _ bits: UInt32, server: ServerID, assigned: AssignmentTime, lastSeen: Instant
  ) -> Int {
    let entry: Int
    if free == AffinityEntry.none {
      entry = entries.count
      entries.append(AffinityEntry(key: client, server: server, assigned: assigned, lastSeen: lastSeen))
    } else {
      entry = Int(free)
      free = entries[entry].next
      entries[entry].renew(key: client, server: server, assigned: assigned, lastSeen: lastSeen)
    }
    index.insert(bits, entry: entry)
    count += 1
    tally.add(server, hasSession: false)
    return entry
  }

  /// Removes the client with the longest inactivity.
  private mutating func evict() {
    let entry = longestIdle ?? Int(entries[Int(AffinityEntry.open)].previous)
    remove(entry, tableHash(entries[entry].key))
    tally.noteEviction()
  }

  mutating func remove(_ entry: Int, _ bits: UInt32) {
    index.remove(bits, entry: entry)
    unlink(entry)
    tally.remove(entries[entry].server, hadSession: entries[entry].sessions > 0)
    entries[entry].generation &+= 1
    entries[entry].sessions = 0
    entries[entry].previous = AffinityEntry.none
    entries[entry].next = free
    free = UInt32(entry)
    count -= 1
    changes &+= 1
  }

  /// Records activity: moves the entry to the front of its list.
  mutating func freshen(_ entry: Int, at now: Instant) {
    entries[entry].lastSeen = max(entries[entry].lastSeen, now)
    unlink(entry)
    link(entry)
  }

  private mutating func link(_ entry: Int) {
    changes &+= 1
    let list = entries[entry].sessions > 0 ? AffinityEntry.open : AffinityEntry.idle
    let first = entries[Int(list)].next
    entries[entry].next = first
    entries[entry].previous = list
    entries[Int(first)].previous = UInt32(entry)
    entries[Int(list)].next = UInt32(entry)
  }

  mutating func unlink(_ entry: Int) {
    guard !entries[entry].isReported else { return reported.remove(entry, in: &entries) }
    let (next, previous) = (entries[entry].next, entries[entry].previous)
    entries[Int(previous)].next = next
    entries[Int(next)].previous = previous
  }
}
