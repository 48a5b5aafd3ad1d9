/// A server's connection limit and the queue of those that wait for a place, first come, first served. A `Token` is
/// whatever its owner finds a waiter by. Not locked: the worker holds it under the server's lock.
///
/// The clock is the caller's: who has waited too long is cancelled.
///
/// Invariants: `active ≤ limit` unless the limit was lowered; `waiting ≤ queueLimit` unless that was; somebody waits
/// only while no place is free, but between a raise of the limit and the calls of `admitNext`.
package struct Admission<Token: Sendable>: ~Copyable {
  package enum Answer: Sendable {
    /// The place is taken; give it back with `release`.
    case admitted
    /// The token will come out of `release` or `admitNext`, unless the ticket is cancelled first.
    case queued(Ticket)
    /// The queue is full.
    case refused
  }

  /// One stay in the queue.
  package struct Ticket: Hashable, Sendable {
    let place: UInt32
    let generation: UInt32
  }

  private struct Waiter {
    /// Nil in a place that nobody has.
    var token: Token?
    var generation: UInt32 = 0
    /// Neighbours in the queue, a circle through place 0; a free place has the next free one.
    var next: UInt32
    var previous: UInt32
  }

  /// How many places there are. Call `admitNext` until nil after raising it.
  package var limit: Int
  /// How many may wait.
  package var queueLimit: Int
  /// Places that are taken.
  @usableFromInline package internal(set) var active = 0
  /// Waiters in the queue.
  package private(set) var waiting = 0

  private var waiters = [Waiter(token: nil, next: 0, previous: 0)]
  private var free: UInt32 = 0

  package init(limit: Int, queueLimit: Int) {
    self.limit = limit
    self.queueLimit = queueLimit
  }

  /// Asks for a place.
  @inlinable
  package mutating func acquire(_ token: Token) -> Answer {
    if active < limit, waiting == 0 {
      active += 1
      return .admitted
    }
    return enqueue(token)
  }

  /// Gives a place back, and to whom it goes, if anybody waits: that token's owner now has it.
  @inlinable
  package mutating func release() -> Token? {
    precondition(active > 0, "released more places than were taken")
    active -= 1
    return waiting == 0 ? nil : admitNext()
  }

  /// Gives a free place to the first in the queue. Nil when there is no free place or nobody waits.
  package mutating func admitNext() -> Token? {
    guard active < limit, let token = dequeue() else { return nil }
    active += 1
    return token
  }

  /// Takes the first in the queue out of it without a place: the server is down, and its waiters go elsewhere.
  package mutating func dequeue() -> Token? {
    let first = waiters[0].next
    return first == 0 ? nil : remove(first)
  }

  /// Leaves the queue. False when the token has come out already: its owner has a place, or was sent elsewhere, and has
  /// yet to hear of it.
  package mutating func cancel(_ ticket: Ticket) -> Bool {
    let place = Int(ticket.place)
    guard place < waiters.count, waiters[place].generation == ticket.generation, waiters[place].token != nil else {
      return false
    }
    _ = remove(ticket.place)
    return true
  }

  // What every request passes is inlined, and so knows the token; what only a queue needs stays here, and finds out about
  // it at run time.
  @usableFromInline
  mutating func enqueue(_ token: Token) -> Answer {
    waiting < queueLimit ? .queued(append(token)) : .refused
  }

  private mutating func append(_ token: Token) -> Ticket {
    let last = waiters[0].previous
    let place: UInt32
    if free == 0 {
      place = UInt32(waiters.count)
      waiters.append(Waiter(token: token, next: 0, previous: last))
    } else {
      place = free
      free = waiters[Int(place)].next
      waiters[Int(place)].token = token
      waiters[Int(place)].next = 0
      waiters[Int(place)].previous = last
    }
    waiters[Int(last)].next = place
    waiters[0].previous = place
    waiting += 1
    return Ticket(place: place, generation: waiters[Int(place)].generation)
  }

  private mutating func remove(_ place: UInt32) -> Token? {
    let (next, previous) = (waiters[Int(place)].next, waiters[Int(place)].previous)
    waiters[Int(previous)].next = next
    waiters[Int(next)].previous = previous
    waiters[Int(place)].next = free
    waiters[Int(place)].generation &+= 1
    free = place
    waiting -= 1
    return waiters[Int(place)].token.take()
  }
}
