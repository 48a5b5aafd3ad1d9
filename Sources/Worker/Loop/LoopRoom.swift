import Balancing
import Configuration
import Linux
import Logging
import Wire

/// Room for newcomers when as many clients are connected as the limits allow: whoever is missed least gives way.
extension Loop {
  /// Slots of the slab that are looked through at once for idle clients.
  static let slotsPerSearch = 16_384
  /// How often the operator is told that clients give way.
  static let roomNoticeInterval = Interval.seconds(10)

  /// Who would be missed least: the client that has been connected longest without a byte, else the one whose handshake
  /// has taken longest, else the one that has been idle longest. Nil when all of this loop's clients are at work.
  mutating func leastMissed() -> SlabKey? {
    if let key = silent.oldest(among: clients) { return key }
    if let key = handshaking.oldest(among: clients) { return key }
    return idle.longest(among: clients, slots: Loop.slotsPerSearch)
  }

  /// Ends a client's connection in order, to make room.
  mutating func displace(_ key: SlabKey) {
    clients[key].sayGoodbye()
    remove(key)
    guard world.now >= nextRoomNotice else { return }
    nextRoomNotice = world.now + Loop.roomNoticeInterval
    world.log.warning(
      "\(world.fleet.limitInForce) connections are open (limits: connections): new ones replace the oldest that have sent nothing, then idle ones"
    )
  }

  /// Asks the other loops, one after the other, for the room that this one can't make.
  func askForRoom() { passOn(asker: world.loop) }

  /// Makes room for another loop, if there is none by now and this one can.
  mutating func makeRoom(for asker: Int) {
    if world.fleet.isFull {
      guard let key = leastMissed() else { return passOn(asker: asker) }
      displace(key)
    }
    world.fleet.mailbox(of: asker).post(.roomMade)
  }

  private func passOn(asker: Int) {
    let next = (world.loop + 1) % world.fleet.loopCount
    if next != asker { world.fleet.mailbox(of: next).post(.roomWanted(by: asker)) }
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
  mutating func longest(among clients: borrowing Slab<Client>, slots: Int) -> SlabKey? {
    if let key = next(among: clients) { return key }
    search(clients, slots)
    return next(among: clients)
  }

  private mutating func next(among clients: borrowing Slab<Client>) -> SlabKey? {
    while let last = candidates.last {
      if clients.contains(last.key), clients[last.key].isIdle, clients[last.key].since == last.since { return last.key }
      candidates.removeLast()
    }
    return nil
  }

  private mutating func search(_ clients: borrowing Slab<Client>, _ slots: Int) {
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
