import Balancing
import Configuration
import Domain
import Linux
import Logging
import Wire

/// The kinds of clients that can be closed to make room for new ones, in order of preference.
enum EvictionClass: UInt8, CaseIterable, Sendable {
  /// No byte received.
  case silent
  /// Handshake begun and not completed.
  case unfinished
  /// No current request.
  case idle

  /// The next kind in this order.
  var next: EvictionClass? { EvictionClass(rawValue: rawValue + 1) }
}

/// Eviction: when the limit of client connections is reached, the least important client of all loops is closed for a
/// new one.
///
/// A loop that has a silent client closes it at once. Otherwise a message is passed around all loops, first for silent
/// clients, then for unfinished handshakes, then for idle clients, and the first loop that has one closes it. New
/// connections wait in the kernel meanwhile, for less than a millisecond if no loop is busy. If the message does not
/// return within `acceptPause`, a client of this loop is closed.
extension Loop {
  /// Number of slab slots that one search for idle clients examines.
  static let slotsPerSearch = 16_384

  /// Whether a new connection can be accepted: there is room, or a client here can be closed regardless of other loops.
  mutating func hasRoom() -> Bool {
    !context.sharedState.isFull || evictionCandidate() != nil
  }

  /// The client here that can be closed regardless of the clients of other loops.
  mutating func evictionCandidate() -> SlabKey? {
    context.sharedState.loopCount == 1
      ? evictable.victim(among: clients) : evictable.first(.silent, among: clients)
  }

  /// Ends a client's connection in order, to make room.
  mutating func displace(_ key: SlabKey) {
    if context.reports.traces.isActive { clients[key].noteDisplacement() }
    clients[key].client.sendEnd()
    remove(key)
    context.reports.counters.worker.limits.connections &+= 1
    guard notices.take(.room, at: context.now) != nil else { return }
    context.reports.log.warning(
      "\(context.sharedState.limitInForce) connections are open (limits: connections): new ones replace the oldest that have sent nothing, then idle ones"
    )
  }

  /// Asks the other loops, one after the other, to make the room that this one can not or should not make.
  mutating func askForRoom() {
    guard context.sharedState.loopCount > 1 else { return noRoomMade() }
    accepting.isAskingForRoom = true
    passOn(asker: context.loop, .silent)
  }

  /// Makes room for another loop, if there is still none and this one has such a client. The asking loop continues with
  /// its own clients.
  mutating func makeRoom(for asker: Int, _ kind: EvictionClass) {
    guard asker != context.loop else { return askFurther(behind: kind) }
    if context.sharedState.isFull {
      guard let key = evictable.first(kind, among: clients) else { return passOn(asker: asker, kind) }
      displace(key)
    }
    context.sharedState.mailbox(of: asker).post(.roomMade)
  }

  /// Asks for the next kind: no other loop has clients of this kind.
  private mutating func askFurther(behind kind: EvictionClass) {
    guard accepting.isAskingForRoom else { return }
    guard context.sharedState.isFull else { return resumeAccepting(now: true) }
    guard let next = kind.next else { return noRoomMade() }
    guard let key = evictable.first(next, among: clients) else { return passOn(asker: context.loop, next) }
    displace(key)
    resumeAccepting(now: true)
  }

  private mutating func noRoomMade() {
    accepting.isAskingForRoom = false
    notePause("\(context.sharedState.limitInForce) connections are open and at work (limits: connections)")
  }

  private func passOn(asker: Int, _ kind: EvictionClass) {
    let mailboxes = context.sharedState.mailboxes
    var next = context.loop
    // Skips loops that have ended, but never the one that has asked.
    repeat {
      next = (next + 1) % mailboxes.count
    } while !mailboxes[next].post(.roomWanted(by: asker, kind)) && next != asker
  }
}

/// The clients of a loop that can be closed to make room.
struct EvictableClients: ~Copyable {
  var silent = EvictableList(.silent)
  var handshaking = EvictableList(.unfinished)
  private var idle = IdleClients()

  /// The client to be closed first; nil when all have a request.
  mutating func victim(among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    for kind in EvictionClass.allCases { if let key = first(kind, among: clients) { return key } }
    return nil
  }

  /// The client that has been connected longest without a byte, whose handshake has taken longest, or that has been
  /// idle longest.
  mutating func first(_ kind: EvictionClass, among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    switch kind {
    case .silent: silent.oldest(among: clients)
    case .unfinished: handshaking.oldest(among: clients)
    case .idle: idle.longest(among: clients, slots: Loop.slotsPerSearch)
    }
  }
}

/// Finds the clients of a loop that have been idle longest by occasional searches through all clients: an ordered list
/// would add a cost to every request, and the result is needed only when the limit of connections is reached.
struct IdleClients: ~Copyable {
  private struct Candidate {
    let key: SlabKey
    let since: Instant
  }

  /// Number of clients found by one search.
  static let found = 64

  /// Ordered with the longest idle last. Clients that became idle later are not among the longest.
  private var candidates: [Candidate] = []
  private var hand: UInt32 = 0

  /// The client that has been idle longest among the next `slots` of the slab; nil when none of them is idle.
  mutating func longest(among clients: borrowing Slab<ClientConnection>, slots: Int) -> SlabKey? {
    if let key = next(among: clients) { return key }
    search(clients, slots)
    return next(among: clients)
  }

  private mutating func next(among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    while let last = candidates.last {
      if clients.contains(last.key), clients[last.key].isIdle, clients[last.key].since == last.since { return last.key }
      candidates.removeLast()
    }
    return nil
  }

  private mutating func search(_ clients: borrowing Slab<ClientConnection>, _ slots: Int) {
    let end = UInt32(clients.slotCount)
    guard end > 0 else { return }
    for _ in 0..<min(slots, Int(end)) {
      if hand >= end { hand = 0 }
      if let key = clients.key(at: hand), clients[key].isIdle {
        candidates.append(Candidate(key: key, since: clients[key].since))
        if candidates.count == Self.found * 4 { keepLongest() }
      }
      hand += 1
    }
    keepLongest()
  }

  private mutating func keepLongest() {
    candidates.sort { $0.since > $1.since }
    if candidates.count > Self.found { candidates.removeFirst(candidates.count - Self.found) }
  }
}
