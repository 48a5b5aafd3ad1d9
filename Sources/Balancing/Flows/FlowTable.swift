import Wire

/// A loop's flows by their ends, and which of them makes room for another one. `Handle` is what its owner knows a flow by.
///
/// Most flows with forged addresses are never confirmed. Unconfirmed flows make room at once, the oldest first, so that
/// they displace each other; a confirmed flow makes room only after a silence. Every operation takes the same short time.
///
/// Invariants: a flow is in the index and in exactly one list, `confirmed` by its last activity or `unconfirmed` by its
/// beginning, the latest first.
public struct FlowTable<Handle: Sendable>: ~Copyable {
  private struct Entry {
    /// Nil in a free entry and in the heads of both lists.
    var flow: Flow?
    var handle: Handle?
    var next: Int
    var previous: Int
  }

  /// How long a confirmed flow must have been silent to make room.
  static var displaceableAfter: Interval { .seconds(30) }
  /// How many flows begin within a second. More are no crowd of users but a flood, which costs the servers and us a socket
  /// for each.
  public static var beginningsPerSecond: Int { 2000 }
  /// How many of them are one client's: a flow to a closed port begins anew with every datagram.
  public static var beginningsPerClient: Int { 500 }

  private static var confirmed: Int { 0 }
  private static var unconfirmed: Int { 1 }

  private var index: [Flow.Key: Int] = [:]
  private var entries: [Entry]
  private var free: [Int] = []
  /// The second that beginnings are counted in.
  private var second = Instant(nanoseconds: 0)
  private var beginnings = 0
  private var beginningsByClient: [ClientKey: Int] = [:]

  /// An empty table.
  public init() {
    entries = Self.heads
  }

  private static var heads: [Entry] { [confirmed, unconfirmed].map { Entry(next: $0, previous: $0) } }

  public var count: Int { index.count }

  /// How many flows it has memory for.
  var capacity: Int { entries.capacity }

  /// The number of the flow with these ends.
  public func find(_ key: Flow.Key) -> Int? { index[key] }

  /// The flow of this number.
  public subscript(number: Int) -> Flow {
    guard let flow = entries[number].flow else { preconditionFailure("no flow has this number") }
    return flow
  }

  /// What its owner knows it by.
  public func handle(of number: Int) -> Handle {
    guard let handle = entries[number].handle else { preconditionFailure("no flow has this number") }
    return handle
  }

  /// Whether another flow of this client may begin now. Counts it if so.
  public mutating func mayBegin(_ client: ClientKey, at now: Instant) -> Bool {
    if now >= second + .seconds(1) {
      (second, beginnings) = (now, 0)
      beginningsByClient.removeAll(keepingCapacity: true)
    }
    guard beginnings < Self.beginningsPerSecond, beginningsByClient[client, default: 0] < Self.beginningsPerClient
    else { return false }
    beginnings += 1
    beginningsByClient[client, default: 0] += 1
    return true
  }

  /// Adds a flow whose ends no other one has, and returns its number.
  public mutating func begin(_ key: Flow.Key, _ handle: Handle, at now: Instant) -> Int {
    let entry = Entry(flow: Flow(key, at: now), handle: handle, next: 0, previous: 0)
    let number: Int
    if let reused = free.popLast() {
      number = reused
      entries[number] = entry
    } else {
      number = entries.count
      entries.append(entry)
    }
    let other = index.updateValue(number, forKey: key)
    precondition(other == nil, "a flow has these ends already")
    link(number, Self.unconfirmed)
    return number
  }

  /// Removes a flow.
  public mutating func end(_ number: Int) {
    index[self[number].key] = nil
    unlink(number)
    entries[number].flow = nil
    entries[number].handle = nil
    free.append(number)
    // The memory of a flood goes with its last flow.
    if index.isEmpty { (index, entries, free) = ([:], Self.heads, []) }
  }

  /// Notes a datagram that the client sent to the server.
  public mutating func received(_ size: Int, of number: Int, at now: Instant) {
    entries[number].flow?.received(size, at: now)
    guard self[number].isConfirmed else { return }
    unlink(number)
    link(number, Self.confirmed)
  }

  /// Notes a datagram that the server sent to the client. False: it may not be passed on, and is not counted.
  public mutating func answer(_ size: Int, of number: Int, at now: Instant) -> Bool {
    entries[number].flow?.answer(size, at: now) ?? false
  }

  /// When the flow ends if its client stays silent, which it may for `idle`.
  public func deadline(of number: Int, idle: Interval) -> Instant { self[number].deadline(idle: idle) }

  /// The flow that makes room for another one; nil when none does.
  public func evictable(at now: Instant) -> Int? {
    let unconfirmed = entries[Self.unconfirmed].previous
    if unconfirmed != Self.unconfirmed { return unconfirmed }
    let silent = entries[Self.confirmed].previous
    guard silent != Self.confirmed, now >= self[silent].lastSeen + Self.displaceableAfter else { return nil }
    return silent
  }

  private mutating func link(_ number: Int, _ list: Int) {
    let first = entries[list].next
    entries[number].next = first
    entries[number].previous = list
    entries[first].previous = number
    entries[list].next = number
  }

  private mutating func unlink(_ number: Int) {
    let (next, previous) = (entries[number].next, entries[number].previous)
    entries[previous].next = next
    entries[next].previous = previous
  }
}
