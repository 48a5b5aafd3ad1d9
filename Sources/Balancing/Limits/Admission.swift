/// A server's connection limit and the queue of those that wait for a place. A `Token` is whatever its owner finds a
/// waiter by, an account (`ConnectionLedger`) the client that it belongs to. Not locked: the worker holds it under the
/// server's lock.
///
/// **Shares.** A client may take a place while it holds fewer than three times as many as are free, and may wait while
/// fewer than three times as many of its requests wait as there is room for. One client alone gets three quarters of a
/// server, two get three sevenths each: something is always left for the next one, and a client with one or two requests
/// under way never meets the rule. Below four places there is nothing to share.
///
/// **Order.** Clients take turns; of one client first come, first served. A client that has its share is passed over.
///
/// The clock is the caller's: a request that has waited too long is cancelled.
///
/// Invariants: `active ≤ limit` unless the limit was lowered; `waiting ≤ queueLimit` unless that was; nobody waits who
/// could have a place, but between a release or a raise of the limit and the calls of `admitNext`.
public struct Admission<Token: Sendable>: ~Copyable {
  /// Who a place is counted for: a client's address.
  public typealias Account = ConnectionLedger.Account

  /// What a request for a place is told.
  public enum Answer: Sendable {
    /// The place is taken; give it back with `release`.
    case admitted
    /// The token will come out of `release` or `admitNext`, unless the ticket is cancelled first.
    case queued(Ticket)
    /// The queue is full, or holds as many of this client's as it may.
    case refused
  }

  /// One stay in the queue.
  public struct Ticket: Hashable, Sendable {
    let place: UInt32
    let generation: UInt32
  }

  private struct Waiter {
    /// Nil in a place that nobody has.
    var token: Token?
    var generation: UInt32 = 0
    var account: Account
    /// Neighbours in the client's lane, `none` at its ends; a free place has the next free one.
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

  /// Places that one client may hold, and waiters that it may have, for each that is free.
  static var share: Int { 3 }

  /// How many places there are. Call `admitNext` until nil after raising it.
  public var limit: Int
  /// How many may wait.
  public var queueLimit: Int
  /// Places that are taken.
  public internal(set) var active = 0
  /// Waiters in the queue.
  public internal(set) var waiting = 0

  /// Places by account.
  var held: [UInt32] = []
  /// By account; as long as the highest that has ever waited here.
  private var lanes: [Lane] = []
  private var waiters: [Waiter] = []
  private var free = none
  /// The lane whose turn is next.
  private var ring = none

  public init(limit: Int, queueLimit: Int) {
    self.limit = limit
    self.queueLimit = queueLimit
  }

  /// Asks for a place.
  public mutating func acquire(_ token: Token, by account: Account) -> Answer {
    if Int(account) >= held.count { makeRoom(for: account) }
    guard mayTake(account) else { return enqueue(token, account) }
    active += 1
    held[Int(account)] += 1
    return .admitted
  }

  /// Gives a client's place back, and to whom it goes, if anybody waits who may have it: that token's owner now has it.
  /// Call `admitNext` until nil if somebody does: with one place less held, another one may be due.
  public mutating func release(by account: Account) -> Token? {
    precondition(active > 0 && held[Int(account)] > 0, "released more places than were taken")
    active -= 1
    held[Int(account)] -= 1
    return waiting == 0 ? nil : admitNext()
  }

  /// Gives a free place to the first in the queue who may have it. Nil when there is none.
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

  /// Takes a waiter out of the queue without a place: the server is down, and its waiters go elsewhere.
  public mutating func dequeue() -> Token? {
    guard ring != none else { return nil }
    let account = ring
    ring = lanes[Int(account)].next
    return remove(lanes[Int(account)].first)
  }

  /// Leaves the queue. False when the token has come out already: its owner has a place, or was sent elsewhere, and has
  /// yet to hear of it.
  public mutating func cancel(_ ticket: Ticket) -> Bool {
    let place = Int(ticket.place)
    guard place < waiters.count, waiters[place].generation == ticket.generation, waiters[place].token != nil else {
      return false
    }
    _ = remove(ticket.place)
    return true
  }

  // What every request passes is inlined, and so knows the token; what only a queue needs stays here, and finds out about
  // it at run time.
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
    let place = takePlace(token, account, behind: last)
    if last == none {
      lanes[lane].first = place
      join(account)
    } else {
      waiters[Int(last)].next = place
    }
    lanes[lane].last = place
    lanes[lane].count += 1
    waiting += 1
    return Ticket(place: place, generation: waiters[Int(place)].generation)
  }

  private mutating func takePlace(_ token: Token, _ account: Account, behind last: UInt32) -> UInt32 {
    let place = free
    guard place != none else {
      waiters.append(Waiter(token: token, account: account, next: none, previous: last))
      return UInt32(waiters.count - 1)
    }
    free = waiters[Int(place)].next
    let generation = waiters[Int(place)].generation
    waiters[Int(place)] = Waiter(token: token, generation: generation, account: account, next: none, previous: last)
    return place
  }

  private mutating func remove(_ place: UInt32) -> Token? {
    let (next, previous) = (waiters[Int(place)].next, waiters[Int(place)].previous)
    let account = waiters[Int(place)].account
    let lane = Int(account)
    if previous == none { lanes[lane].first = next } else { waiters[Int(previous)].next = next }
    if next == none { lanes[lane].last = previous } else { waiters[Int(next)].previous = previous }
    lanes[lane].count -= 1
    waiting -= 1
    if lanes[lane].first == none { leave(account) }
    waiters[Int(place)].next = free
    waiters[Int(place)].generation &+= 1
    free = place
    return waiters[Int(place)].token.take()
  }

  /// Puts a lane into the ring, so that its turn is last.
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

/// No place, no lane. Nobody has so many.
private let none = UInt32.max
