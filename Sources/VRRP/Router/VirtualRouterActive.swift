import Domain
import Wire

/// The role of Active (RFC 9568 §6.4.3): advertises, and on a conflict announces again or gives up the addresses.
extension VirtualRouter {
  mutating func becomeActive(because reason: Transition.Reason, at now: Instant) -> [Effect] {
    conflicts.forget()
    addressConflict = nil
    conflictDefence.announced(at: now)
    claimDefence.announced(at: now)
    activeSince = now
    isUncontested = reason != .activeSilent
    answeredAt = now
    let wasDamped = damping.isDamping(at: now)
    damping.becameActive(at: now)
    let isRestless = !wasDamped && damping.isDamping(at: now)
    // The address comes first, so that it is in place when the advertisement arrives.
    return lease.hold(at: now) + send(advertisement(priority: priority)) + announcements.begin(at: now)
      + transition(to: .active(advertiseAt: now + settings.interval), because: reason, at: now)
      + (isRestless ? [.note(.restless(atLeast: leastWait))] : [])
  }

  mutating func advertise(dueAt: Instant, at now: Instant) -> [Effect] {
    guard now >= dueAt else { return [] }
    // On schedule with the previous advertisements, unless a whole interval was missed.
    let next = dueAt + settings.interval
    state = .active(advertiseAt: next > now ? next : now + settings.interval)
    answeredAt = now
    return send(advertisement(priority: priority))
  }

  /// An advertisement of another Active.
  mutating func compete(with other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    if other.priority == 0 { return answer(at: now, restarting: true) }
    return isBetter(other, from: address)
      ? yield(to: other, from: address, at: now) : assert(other, from: address, at: now)
  }

  /// Sends an advertisement to a node that should have received the last one: at once, or, if one was sent just before,
  /// after `Pace.answer`. So a sender gets at least one answer after its last packet, and at most 50 a second, whatever
  /// it sends.
  private mutating func answer(at now: Instant, restarting: Bool = false) -> [Effect] {
    guard case .active(let advertiseAt) = state else { return [] }
    if let soonest = answeredAt.map({ $0 + Pace.answer }), now < soonest {
      state = .active(advertiseAt: min(advertiseAt, soonest))
      return []
    }
    answeredAt = now
    if restarting { state = .active(advertiseAt: now + settings.interval) }
    return send(advertisement(priority: priority))
  }

  /// By priority; with equal priorities by the higher source address, as unsigned numbers in network byte order.
  private func isBetter(_ other: Advertisement, from address: IPAddress) -> Bool {
    guard other.priority == priority, let source else { return other.priority > priority }
    return (address.high, address.low) > (source.high, source.low)
  }

  /// The other Active is worse: advertises at once, and announces the addresses to switches and neighbours that learned
  /// its link-layer address.
  private mutating func assert(_ other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    counters.worseActiveHeard += 1
    var effects = answer(at: now)
    if conflictDefence.mayAnswer(at: now) {
      claimDefence.announced(at: now)
      effects += announcements.answer(times: AnnouncementSchedule.burst, at: now)
    } else if let soon = conflictDefence.soon {
      // It may have announced after our last announcement: ours must be the last one.
      announcements.answer(later: soon)
    }
    // A node that yields to a new Active sends one last advertisement.
    let isPredecessor = activeSince.map { now < $0 + settings.interval } ?? false
    let note = conflicts.heard(other, from: address, isPredecessor: isPredecessor, at: now)
    return effects + (note.map { [.note($0)] } ?? [])
  }

  /// The other Active is better. After a partition it may not have received our advertisements: our last one makes it
  /// announce itself. Our address stays until that announcement has reached every host.
  private mutating func yield(to other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    let last = send(advertisement(priority: priority))
    lease.yield(at: now)
    announcements.end()
    conflicts.forget()
    addressConflict = nil
    return last
      + becomeBackup(behind: other, from: address, because: .better(address, priority: other.priority), at: now)
  }

  /// Another host claims one of the addresses on the link.
  mutating func defend(against claim: AddressClaim, by owner: String, at now: Instant) -> [Effect] {
    if claim == .sought {
      // A kernel replies even for a process that died; only an announcement proves that this one runs.
      return seekerDefence.mayAnswer(at: now) ? [.announce(times: 1)] : []
    }
    announcements.putOffRefresh(at: now)
    // Any host can send an announcement; one that has the address also answers a probe.
    if let addressConflict, addressConflict.hasAsked, claim == .answered {
      return giveWay(behind: addressConflict.owner, at: now)
    }
    if claim == .announced, isNewcomer(at: now) {
      if addressConflict == nil { addressConflict = AddressConflict(owner: owner, until: now + conflictTimeout) }
      return []
    }
    guard claimDefence.mayAnswer(at: now) else { return [] }
    // Not at once: if the other node is better, its advertisement arrives with its announcement.
    announcements.answer(later: now + Pace.claimAnswer)
    return [.note(.claimed(by: owner))]
  }

  /// Whether we became Active a short time ago, and only because no advertisement arrived.
  private func isNewcomer(at now: Instant) -> Bool {
    guard !isUncontested, let activeSince else { return false }
    return now < activeSince + Pace.newcomer
  }

  /// Another host announced the addresses after we took them.
  struct AddressConflict: Hashable {
    let owner: String
    /// The end of the wait for its advertisement, and then for its reply to our probe.
    var until: Instant
    var hasAsked = false
  }

  /// An Active whose advertisements arrive sends one within an interval, and one that receives ours has yielded by
  /// then.
  private var conflictTimeout: Interval {
    Interval(nanoseconds: settings.interval.nanoseconds * 3 / 2 + 2 * Pace.yieldGrace.nanoseconds)
  }

  /// Probes for the addresses when the node that announced them sends no advertisement. If another node answers, it is
  /// Active and its advertisements do not reach this node: one of the two has to stop, and the other one has the
  /// connections.
  mutating func decide(at now: Instant) -> [Effect] {
    guard let addressConflict, now >= addressConflict.until else { return [] }
    guard case .active = state, !addressConflict.hasAsked else {
      self.addressConflict = nil
      return []
    }
    self.addressConflict = AddressConflict(owner: addressConflict.owner, until: now + settings.interval, hasAsked: true)
    return [.probe]
  }

  private mutating func giveWay(behind owner: String, at now: Instant) -> [Effect] {
    announcements.end()
    conflicts.forget()
    addressConflict = nil
    counters.priorityZeroSent += 1
    contests = min(contests + 1, Pace.mostContests)
    // A node that has yielded in the meantime takes over at once.
    let left = send(advertisement(priority: 0)) + lease.drop()
    var waiting = Waiting(since: now, activeInterval: settings.interval, preemptsFrom: now + settings.preemptDelay)
    waiting.contest = Contest(owner: owner, heardAt: now, probeAt: now + settings.interval, saidAt: now)
    let note = gaveWayNote(behind: owner, at: now)
    let isRejected = note != .unheardActive(owner)
    return left + [.note(note)]
      + transition(to: .backup(waiting), because: isRejected ? .rejectedActive(owner) : .unheardActive(owner), at: now)
  }

  /// The process or the machine was suspended, and continues.
  mutating func resume(after pause: Interval, at now: Instant) -> [Effect] {
    announcements.end()
    conflicts.forget()
    addressConflict = nil
    return [.note(.suspended(pause))] + lease.drop() + beginAgain(because: .suspended, at: now)
  }
}
