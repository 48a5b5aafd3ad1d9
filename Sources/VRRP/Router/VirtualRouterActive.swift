import Domain
import Wire

/// The role of Active (RFC 9568 §6.4.3): advertises, and on a conflict announces again or gives up the addresses.
extension VirtualRouter {
  /// The state of an Active.
  struct Active: Hashable {
    /// When it took the addresses.
    let since: Instant
    /// Until then it gives up the addresses if another host has them; nil if it became Active for another reason than
    /// missing advertisements.
    let newcomerUntil: Instant?
    /// Adver_Timer.
    var advertiseAt: Instant
    /// When it last sent an advertisement, on schedule or as an answer.
    var advertisedAt: Instant
    var announcements: AnnouncementSchedule
    var conflicts = ConflictDetector()
    var addressConflict: AddressConflict?
    /// Since when another node has reported without a break that it is Active as well.
    var duplicateSince: Instant?
    /// The node that reports that it does not hear this one.
    var unheardBy: String?

    var deadline: Instant {
      let others = [addressConflict?.until, conflicts.deadline].compactMap { $0 }
      return others.reduce(min(advertiseAt, announcements.deadline), min)
    }
  }

  /// Another host announced the addresses after a newcomer took them; they may have to be left to it.
  enum AddressConflict: Hashable {
    /// Waits for its advertisement.
    case announced(by: String, until: Instant)
    /// Waits for its reply to our probe.
    case probed(owner: String, until: Instant)

    var until: Instant {
      switch self {
      case .announced(_, let until), .probed(_, let until): until
      }
    }
  }

  mutating func becomeActive(because reason: Transition.Reason, at now: Instant) -> [Effect] {
    defences.conflict.announced(at: now)
    defences.claim.announced(at: now)
    let wasDamped = damping.isDamping(at: now)
    damping.becameActive(at: now)
    let isRestless = !wasDamped && damping.isDamping(at: now)
    let active = Active(
      since: now, newcomerUntil: reason == .activeSilent ? now + Pace.newcomer : nil,
      advertiseAt: now + settings.interval, advertisedAt: now, announcements: AnnouncementSchedule(startedAt: now))
    // The address comes first, so that it is in place when the advertisement arrives.
    return lease.hold(at: now) + send(advertisement(priority: priority))
      + [.announce(times: AnnouncementSchedule.burst)] + transition(to: .active(active), because: reason, at: now)
      + (isRestless ? [.note(.restless(atLeast: leastWait))] : [])
  }

  /// Processes everything that was due by now.
  mutating func advance(_ active: Active, to now: Instant) -> [Effect] {
    var active = active
    defer { state = .active(active) }
    var effects = advertise(&active, at: now)
    effects += decide(&active, at: now)
    effects += active.announcements.advance(to: now)
    if let note = active.conflicts.advance(to: now) { effects.append(.note(note)) }
    return effects
  }

  private mutating func advertise(_ active: inout Active, at now: Instant) -> [Effect] {
    guard now >= active.advertiseAt else { return [] }
    // On schedule with the previous advertisements, unless a whole interval was missed.
    let next = active.advertiseAt + settings.interval
    active.advertiseAt = next > now ? next : now + settings.interval
    active.advertisedAt = now
    return send(advertisement(priority: priority))
  }

  /// An advertisement of another Active.
  mutating func compete(
    _ active: Active, with other: Advertisement, from address: IPAddress, at now: Instant
  ) -> [Effect] {
    if isBetter(other, from: address) { return yield(to: other, from: address, at: now) }
    var active = active
    defer { state = .active(active) }
    active.addressConflict = nil
    return other.priority == 0
      ? answer(&active, at: now, restarting: true) : assert(&active, against: other, from: address, at: now)
  }

  /// Sends an advertisement to a node that should have received the last one: at once, or, if one was sent just before,
  /// after `Pace.answer`. So a sender gets at least one answer after its last packet, and at most 50 a second, whatever
  /// it sends.
  private mutating func answer(_ active: inout Active, at now: Instant, restarting: Bool = false) -> [Effect] {
    let soonest = active.advertisedAt + Pace.answer
    guard now >= soonest else {
      active.advertiseAt = min(active.advertiseAt, soonest)
      return []
    }
    active.advertisedAt = now
    if restarting { active.advertiseAt = now + settings.interval }
    return send(advertisement(priority: priority))
  }

  /// By priority; with equal priorities by the higher source address, as unsigned numbers in network byte order.
  private func isBetter(_ other: Advertisement, from address: IPAddress) -> Bool {
    guard other.priority == priority, let source = conditions.source else { return other.priority > priority }
    return (address.high, address.low) > (source.high, source.low)
  }

  /// The other Active is worse: advertises at once, and announces the addresses to switches and neighbours that learned
  /// its link-layer address.
  private mutating func assert(
    _ active: inout Active, against other: Advertisement, from address: IPAddress, at now: Instant
  ) -> [Effect] {
    counters.worseActiveHeard += 1
    var effects = answer(&active, at: now)
    if defences.conflict.mayAnswer(at: now) {
      defences.claim.announced(at: now)
      effects += active.announcements.answer(times: AnnouncementSchedule.burst, at: now)
    } else if let soon = defences.conflict.soon {
      // It may have announced after our last announcement: ours must be the last one.
      active.announcements.answer(later: soon)
    }
    // A node that yields to a new Active sends one last advertisement.
    let isPredecessor = now < active.since + settings.interval
    if let note = active.conflicts.heard(other, from: address, isPredecessor: isPredecessor, at: now) {
      effects.append(.note(note))
    }
    return effects
  }

  /// The other Active is better. After a partition it may not have received our advertisements: our last one makes it
  /// announce itself. Our address stays until that announcement has reached every host.
  private mutating func yield(to other: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    let last = send(advertisement(priority: priority))
    lease.yield(at: now)
    return last
      + becomeBackup(behind: other, from: address, because: .better(address, priority: other.priority), at: now)
  }

  /// Another host claims one of the addresses on the link.
  mutating func defend(
    _ active: Active, against claim: AddressClaim, by owner: String, at now: Instant
  ) -> [Effect] {
    if claim == .sought {
      // A kernel replies even for a process that died; only an announcement proves that this one runs.
      return defences.probe.mayAnswer(at: now) ? [.announce(times: 1)] : []
    }
    // Any host can send an announcement; one that has the address also answers a probe.
    if claim == .answered, case .probed(let announcer, _)? = active.addressConflict {
      return giveWay(behind: announcer, at: now)
    }
    var active = active
    defer { state = .active(active) }
    active.announcements.putOffRefresh(at: now)
    if claim == .announced, let newcomerUntil = active.newcomerUntil, now < newcomerUntil {
      active.addressConflict = active.addressConflict ?? .announced(by: owner, until: now + conflictTimeout)
      return []
    }
    guard defences.claim.mayAnswer(at: now) else { return [] }
    // Not at once: if the other node is better, its advertisement arrives with its announcement.
    active.announcements.answer(later: now + Pace.claimAnswer)
    return [.note(.claimed(by: owner))]
  }

  /// An Active whose advertisements arrive sends one within an interval, and one that receives ours has yielded by
  /// then.
  private var conflictTimeout: Interval {
    Interval(nanoseconds: settings.interval.nanoseconds * 3 / 2 + 2 * Pace.yieldGrace.nanoseconds)
  }

  /// Probes for the addresses when the node that announced them sends no advertisement. If another node answers, it is
  /// Active and its advertisements do not reach this node: one of the two has to stop, and the other one has the
  /// connections.
  private func decide(_ active: inout Active, at now: Instant) -> [Effect] {
    guard let conflict = active.addressConflict, now >= conflict.until else { return [] }
    guard case .announced(let owner, _) = conflict else {
      active.addressConflict = nil
      return []
    }
    active.addressConflict = .probed(owner: owner, until: now + settings.interval)
    return [.probe]
  }

  private mutating func giveWay(behind owner: String, at now: Instant) -> [Effect] {
    counters.priorityZeroSent += 1
    contests = min(contests + 1, Pace.mostContests)
    // A node that has yielded in the meantime takes over at once.
    let left = send(advertisement(priority: 0)) + lease.drop()
    var backup = Backup(since: now, activeInterval: settings.interval, preemptsFrom: now + settings.preemptDelay)
    backup.wait = .contest(Contest(owner: owner, heardAt: now, probeAt: now + settings.interval, saidAt: now))
    let note = gaveWayNote(behind: owner, at: now)
    let isRejected = note != .unheardActive(owner)
    return left + [.note(note)]
      + transition(to: .backup(backup), because: isRejected ? .rejectedActive(owner) : .unheardActive(owner), at: now)
  }

  /// The process or the machine was suspended, and continues.
  mutating func resume(after pause: Interval, at now: Instant) -> [Effect] {
    [.note(.suspended(pause))] + lease.drop() + beginAgain(because: .suspended, at: now)
  }
}
