import Balancing
import Configuration
import Linux
import Logging
import Wire

/// Clients that make room for newcomers, those first that are missed least.
enum Dispensable: UInt8, CaseIterable, Sendable {
  /// They have not sent a byte.
  case silent
  /// They have begun a handshake and not ended it.
  case unfinished
  /// They have no request under way.
  case idle

  /// Those who are missed least after these.
  var next: Dispensable? { Dispensable(rawValue: rawValue + 1) }
}

/// Room for newcomers when as many clients are connected as the limits allow: whoever of all loops is missed least gives
/// way.
///
/// A loop that has a silent client lets that one go at once. Else a message goes round all loops, first for silent clients,
/// then for unfinished handshakes, then for idle ones, and whichever loop has one lets it go; newcomers wait in the kernel
/// meanwhile, for less than a millisecond if no loop is busy. A message that does not come back within `acceptPause` is
/// not waited for: a client of this loop gives way then.
extension Loop {
  /// Slots of the slab that are looked through at once for idle clients.
  static let slotsPerSearch = 16_384

  /// A newcomer can be accepted: there is a place, or somebody here who makes room whatever clients other loops have.
  mutating func hasRoom() -> Bool {
    !context.sharedState.isFull || evictionCandidate() != nil
  }

  /// The client here that makes room whatever clients other loops have.
  mutating func evictionCandidate() -> SlabKey? {
    context.sharedState.loopCount == 1
      ? dispensable.leastMissed(among: clients) : dispensable.first(.silent, among: clients)
  }

  /// Ends a client's connection in order, to make room.
  mutating func displace(_ key: SlabKey) {
    clients[key].client.sayGoodbye()
    remove(key)
    guard notices.take(.room, at: context.now) != nil else { return }
    context.reports.log.warning(
      "\(context.sharedState.limitInForce) connections are open (limits: connections): new ones replace the oldest that have sent nothing, then idle ones"
    )
  }

  /// Asks the other loops, one after the other, for the room that this one can't make or should not.
  mutating func askForRoom() {
    guard context.sharedState.loopCount > 1 else { return nobodyMakesRoom() }
    accepting.isAskingForRoom = true
    passOn(asker: context.loop, .silent)
  }

  /// Makes room for another loop, if there is none by now and this one has such a client. The loop that has asked goes on
  /// with its own.
  mutating func makeRoom(for asker: Int, _ kind: Dispensable) {
    guard asker != context.loop else { return askFurther(behind: kind) }
    if context.sharedState.isFull {
      guard let key = dispensable.first(kind, among: clients) else { return passOn(asker: asker, kind) }
      displace(key)
    }
    context.sharedState.mailbox(of: asker).post(.roomMade)
  }

  /// No other loop has clients of this kind.
  private mutating func askFurther(behind kind: Dispensable) {
    guard accepting.isAskingForRoom else { return }
    guard context.sharedState.isFull else { return resumeAccepting(now: true) }
    guard let next = kind.next else { return nobodyMakesRoom() }
    guard let key = dispensable.first(next, among: clients) else { return passOn(asker: context.loop, next) }
    displace(key)
    resumeAccepting(now: true)
  }

  private mutating func nobodyMakesRoom() {
    accepting.isAskingForRoom = false
    notePause("\(context.sharedState.limitInForce) connections are open and at work (limits: connections)")
  }

  private func passOn(asker: Int, _ kind: Dispensable) {
    let mailboxes = context.sharedState.mailboxes
    var next = context.loop
    // Past loops that have ended, but never past the one that has asked.
    repeat {
      next = (next + 1) % mailboxes.count
    } while !mailboxes[next].post(.roomWanted(by: asker, kind)) && next != asker
  }
}

/// The clients of a loop that can make room.
struct DispensableClients: ~Copyable {
  var silent = DispensableList(.silent)
  var handshaking = DispensableList(.unfinished)
  private var idle = IdleClients()

  /// Who would be missed least; nil when all are at work.
  mutating func leastMissed(among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    for kind in Dispensable.allCases { if let key = first(kind, among: clients) { return key } }
    return nil
  }

  /// The client that has been connected longest without a byte, whose handshake has taken longest, or that has been idle
  /// longest.
  mutating func first(_ kind: Dispensable, among clients: borrowing Slab<ClientConnection>) -> SlabKey? {
    switch kind {
    case .silent: silent.oldest(among: clients)
    case .unfinished: handshaking.oldest(among: clients)
    case .idle: idle.longest(among: clients, slots: Loop.slotsPerSearch)
    }
  }
}

/// The clients of a loop that have been idle longest, found by looking through all of them now and then: keeping them in
/// order would cost every request something, and only a full house asks.
struct IdleClients: ~Copyable {
  private struct Candidate {
    let key: SlabKey
    let since: Instant
  }

  /// How many one search finds.
  static let found = 64

  /// The longest idle last. Others have become idle since, and so are none of the longest.
  private var candidates: [Candidate] = []
  private var hand: UInt32 = 0

  /// The one that has been idle longest, as far as the next `slots` of the slab tell; nil when none of them is.
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
