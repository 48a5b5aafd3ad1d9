import Wire

/// As the Active (RFC 9568 §6.4.3): advertises, and asserts itself or yields.
extension VirtualRouter {
  mutating func becomeActive(because reason: Transition.Reason, at now: Instant) -> [Effect] {
    rivals.forget()
    rivalAnnouncedAt = now
    // The address first: who hears of us finds it in place.
    return lease.hold(at: now) + send(advertisement(priority: priority)) + announcements.begin(at: now)
      + transition(to: .active(advertiseAt: now + settings.interval), because: reason, at: now)
  }

  mutating func advertise(dueAt: Instant, at now: Instant) -> [Effect] {
    guard now >= dueAt else { return [] }
    // In step with the times before, unless a whole turn was missed.
    let next = dueAt + settings.interval
    state = .active(advertiseAt: next > now ? next : now + settings.interval)
    return send(advertisement(priority: priority))
  }

  /// Another Active's advertisement.
  mutating func meet(_ other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    if other.priority == 0 {
      state = .active(advertiseAt: now + settings.interval)
      return send(advertisement(priority: priority))
    }
    return isBetter(other, from: address)
      ? yield(to: other, from: address, at: now) : assert(other, from: address, at: now)
  }

  /// By priority; between equals by the greater source address, as unsigned numbers in network byte order.
  private func isBetter(_ other: Advertisement, from address: IPAddress) -> Bool {
    guard other.priority == priority, let source else { return other.priority > priority }
    return (address.high, address.low) > (source.high, source.low)
  }

  /// A worse one. It hears of us at once, and so do the switches and neighbours that learned its way to the addresses.
  private mutating func assert(_ other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    counters.worseActiveHeard += 1
    var effects = send(advertisement(priority: priority))
    let soonest = rivalAnnouncedAt.map { $0 + Pace.rivalAnnouncement } ?? now
    if now >= soonest {
      rivalAnnouncedAt = now
      effects += announcements.begin(at: now)
    } else if let last = rivalAnnouncedAt, last <= now {
      // What it sent since our last announcement is not to be the last word.
      rivalAnnouncedAt = soonest
      announcements.begin(later: soonest)
    }
    return effects + (rivals.heard(other, from: address, at: now).map { [.note($0)] } ?? [])
  }

  /// A better one. It may have been Active all along, on the other side of a partition, and know nothing of us: what it
  /// hears last from us makes it announce itself. Our address stays until that has reached everybody.
  private mutating func yield(to other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    let last = send(advertisement(priority: priority))
    lease.yield(at: now)
    announcements.end()
    rivals.forget()
    return last
      + becomeBackup(behind: other, from: address, because: .better(address, priority: other.priority), at: now)
  }

  /// Somebody else claims an address on the link.
  mutating func defend(against owner: String, at now: Instant) -> [Effect] {
    guard case .active = state, rivalAnnouncedAt.map({ now >= $0 + Pace.claimAnnouncement }) ?? true else { return [] }
    rivalAnnouncedAt = now
    return [.note(.claimed(by: owner))] + announcements.begin(at: now)
  }

  /// The process was stopped, or the whole machine, and goes on.
  mutating func resume(after pause: Interval, at now: Instant) -> [Effect] {
    announcements.end()
    rivals.forget()
    return [.note(.suspended(pause))] + lease.drop() + beginAgain(because: .suspended, at: now)
  }
}
