/// A server's connection limit and its queue. A `Token` identifies a waiter to its owner; an account
/// (`ConnectionLedger`) identifies its client. Not thread-safe: the worker uses the server's lock.
///
/// **Shares.** A client may take a place while it holds fewer than three times the number of free places, and may queue
/// while it has fewer than three times as many waiters as the queue has free places. A single client gets three
/// quarters of a server, two get three sevenths each: there is always room for another client, and a client with one or
/// two requests is never limited. Below four places there is nothing to share.
///
/// **Order.** Clients take turns; the requests of one client are served in order of arrival. A client that has its
/// share is skipped.
///
/// The caller handles timeouts: it cancels a request that has waited too long.
///
/// Invariants: `active ≤ limit` unless the limit was lowered; `waiting ≤ queueLimit` unless that was lowered; no waiter
/// could have a place, except between a release or a raised limit and the calls of `admitNext`.
public struct Admission<Token: Sendable>: ~Copyable {
  /// A client's account number.
  public typealias Account = ConnectionLedger.Account

  /// The answer to a request for a place.
  public enum Answer: Sendable {
    /// A place was taken; return it with `release`.
    case admitted
    /// `release` or `admitNext` will return the token, unless the ticket is cancelled first.
    case queued(Ticket)
    /// The queue is full, or has this client's share of waiters.
    case refused
  }

  /// A waiter's slot in the queue.
  public struct Ticket: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32
  }

  private struct Waiter {
    /// Nil in a free slot.
    var token: Token?
    var generation: UInt32 = 0
    var account: Account
    /// Neighbours in the client's lane, `none` at its ends; a free slot has the next free one.
    var next: UInt32
    var previous: UInt32
  }

  /// The waiters of one client.
  private struct Lane {
    var count: UInt32 = 0
    var first = none
    var last = none
    /// Neighbours in the ring of lanes with waiters.
    var next = none
    var previous = none
  }

  /// The most places, or waiters, that a client may have for each free one.
  static var share: Int { 3 }

  /// The number of places. After raising it, call `admitNext` until nil.
  public var limit: Int
  /// The most waiters.
  public var queueLimit: Int
  /// Places in use.
  public internal(set) var active = 0
  /// The number of waiters.
  public internal(set) var waiting = 0

  /// Places in use by account.
  var held: [UInt32] = []
  /// By account; as long as the highest account that has ever waited here.
  private var lanes: [Lane] = []
  private var waiters: [Waiter] = []
  private var free = none
  /// The lane that is next.
  private var ring = none

  public init(limit: Int, queueLimit: Int) {
    self.limit = limit
    self.queueLimit = queueLimit
  }

  /// Requests a place.
  public mutating func acquire(_ token: Token, by account: Account) -> Answer {
    if Int(account) >= held.count { makeRoom(for: account) }
    guard mayTake(account) else { return enqueue(token, account) }
    active += 1
    held[Int(account)] += 1
    return .admitted
  }

  /// Returns a client's place. The result is the token of the waiter that gets it, if any. Call `admitNext` until nil
  /// then: since the client holds one place less, another waiter may be due.
  public mutating func release(by account: Account) -> Token? {
    precondition(active > 0 && held[Int(account)] > 0, "released more places than were taken")
    active -= 1
    held[Int(account)] -= 1
    return waiting == 0 ? nil : admitNext()
  }

  /// Gives a free place to the first waiter that may have it. Nil when there is none.
  public mutating func admitNext() -> Token? {
    guard active < limit, ring != none else { return nil }
    let start = ring
    repeat {
      let account = ring
      ring = lanes[Int(account)].next
      if mayTake(account) {
        active += 1
        held[Int(account)] += 1
        return remove(lanes[Int(account)].first)
      }
    } while ring != start
    return nil
  }

  /// Removes a waiter that gets no place: the server is down, and its waiters are rerouted.
  public mutating func dequeue() -> Token? {
    guard ring != none else { return nil }
    let account = ring
    ring = lanes[Int(account)].next
    return remove(lanes[Int(account)].first)
  }

  /// Leaves the queue. False when the token was already returned: its owner has a place or is being rerouted, but has
  /// not been notified yet.
  public mutating func cancel(_ ticket: Ticket) -> Bool {
    let slot = Int(ticket.slot)
    guard slot < waiters.count, waiters[slot].generation == ticket.generation, waiters[slot].token != nil else {
      return false
    }
    _ = remove(ticket.slot)
    return true
  }

  // Functions on every request's path are inlined and specialised for the token; those for the queue only are not
  // inlined, and unspecialised.
  func mayTake(_ account: Account) -> Bool { Int(held[Int(account)]) < Self.share * (limit - active) }

  mutating func makeRoom(for account: Account) {
    held.append(contentsOf: repeatElement(0, count: Int(account) + 1 - held.count))
  }

  mutating func enqueue(_ token: Token, _ account: Account) -> Answer {
    if Int(account) >= lanes.count {
      lanes.append(contentsOf: repeatElement(Lane(), count: Int(account) + 1 - lanes.count))
    }
    guard Int(lanes[Int(account)].count) < Self.share * (queueLimit - waiting) else { return .refused }
    return .queued(append(token, account))
  }

  private mutating func append(_ token: Token, _ account: Account) -> Ticket {
    let lane = Int(account)
    let last = lanes[lane].last
    let slot = takeSlot(token, account, behind: last)
    if last == none {
      lanes[lane].first = slot
      join(account)
    } else {
      waiters[Int(last)].next = slot
    }
    lanes[lane].last = slot
    lanes[lane].count += 1
    waiting += 1
    return Ticket(slot: slot, generation: waiters[Int(slot)].generation)
  }

  private mutating func takeSlot(_ token: Token, _ account: Account, behind last: UInt32) -> UInt32 {
    let slot = free
    guard slot != none else {
      waiters.append(Waiter(token: token, account: account, next: none, previous: last))
      return UInt32(waiters.count - 1)
    }
    free = waiters[Int(slot)].next
    let generation = waiters[Int(slot)].generation
    waiters[Int(slot)] = Waiter(token: token, generation: generation, account: account, next: none, previous: last)
    return slot
  }

  private mutating func remove(_ slot: UInt32) -> Token? {
    let (next, previous) = (waiters[Int(slot)].next, waiters[Int(slot)].previous)
    let account = waiters[Int(slot)].account
    let lane = Int(account)
    if previous == none { lanes[lane].first = next } else { waiters[Int(previous)].next = next }
    if next == none { lanes[lane].last = previous } else { waiters[Int(next)].previous = previous }
    lanes[lane].count -= 1
    waiting -= 1
    if lanes[lane].first == none { leave(account) }
    waiters[Int(slot)].next = free
    waiters[Int(slot)].generation &+= 1
    free = slot
    return waiters[Int(slot)].token.take()
  }

  /// Inserts a lane at the end of the ring.
  private mutating func join(_ account: Account) {
    guard ring != none else {
      ring = account
      lanes[Int(account)].next = account
      lanes[Int(account)].previous = account
      return
    }
    let last = lanes[Int(ring)].previous
    lanes[Int(account)].next = ring
    lanes[Int(account)].previous = last
    lanes[Int(last)].next = account
    lanes[Int(ring)].previous = account
  }

  private mutating func leave(_ account: Account) {
    let (next, previous) = (lanes[Int(account)].next, lanes[Int(account)].previous)
    lanes[Int(next)].previous = previous
    lanes[Int(previous)].next = next
    if ring == account { ring = next == account ? none : next }
  }
}

/// No slot, no lane. Indices stay below it.
private let none = UInt32.max
