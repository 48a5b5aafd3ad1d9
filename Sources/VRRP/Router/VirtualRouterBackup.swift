import Domain
import Wire

/// As a Backup (RFC 9568 §6.4.2): waits for the Active to fall silent.
extension VirtualRouter {
  /// What a Backup waits for.
  struct Waiting: Hashable {
    /// When the timer was last set.
    var since: Instant
    /// Active_Adver_Interval: what the Active last said.
    var activeInterval: Interval
    /// No sooner does it take over from a worse Active.
    var preemptsFrom: Instant
    /// The Active that is listened to.
    var followed: Peer?
    /// Waits for Skew_Time only, not for Active_Down_Interval.
    var isHurried = false
    /// Has noticed that this process did not run, and waits anew.
    var wokeLate = false
    /// How often it has asked for the addresses since the Active fell silent.
    var probes: UInt64 = 0
    /// Another node has the addresses, and its advertisements do not arrive.
    var contest: Contest?
    /// Why it waits so.
    var reason = Transition.Reason.activeSilent
  }

  /// An Active whose advertisements do not come through, and whose announcements do. While its address is there, which
  /// a probe in each interval asks for, taking over would cut its connections and find it announcing against us.
  struct Contest: Hashable {
    /// By its link-layer address.
    var owner: String
    /// When the addresses were last known to be there.
    var heardAt: Instant
    var probeAt: Instant
    /// When the log was last told.
    var saidAt: Instant
  }

  /// When the wait is over, or a probe is due.
  func deadline(of waiting: Waiting) -> Instant {
    let end = end(of: waiting)
    if let contest = waiting.contest { return min(contest.probeAt, end) }
    return probeAt(waiting).map { min($0, end) } ?? end
  }

  /// Two probes in a silence, two and three intervals after the last advertisement: one lost advertisement causes none,
  /// and an answer still arrives before the wait ends.
  private func probeAt(_ waiting: Waiting) -> Instant? {
    guard waiting.probes < 2, !waiting.isHurried else { return nil }
    return silentSince(waiting) + Interval(nanoseconds: (2 + waiting.probes) * waiting.activeInterval.nanoseconds)
  }

  /// When an advertisement came last, or this node began to listen.
  private func silentSince(_ waiting: Waiting) -> Instant {
    max(waiting.since, peer?.heardAt ?? waiting.since)
  }

  private func end(of waiting: Waiting) -> Instant {
    if let contest = waiting.contest { return end(of: contest) }
    let wait =
      waiting.isHurried
      ? settings.skewTime(priority: priority, activeInterval: waiting.activeInterval)
      : settings.activeDownInterval(priority: priority, activeInterval: waiting.activeInterval)
    return waiting.since + (damping.isDamping(at: waiting.since) ? max(wait, leastWait) : wait)
  }

  /// How long a node waits that has become Active too often.
  var leastWait: Interval {
    max(
      settings.activeDownInterval(priority: priority, activeInterval: settings.interval), FlapDamping.leastWait)
  }

  /// When the addresses count as free. The wait grows with each contest and differs by source address, so that two nodes
  /// that gave way to each other do not collide again.
  private func end(of contest: Contest) -> Instant {
    let silence = settings.activeDownInterval(priority: priority, activeInterval: settings.interval)
    let share = (source?.low ?? 0) & 0xff
    let apart = silence.nanoseconds / 1024 * share * UInt64(contests) / UInt64(Pace.mostContests)
    return contest.heardAt + Interval(nanoseconds: silence.nanoseconds + apart)
  }

  /// Another node shows that it has the addresses.
  mutating func note(_ claim: AddressClaim, by owner: String, _ waiting: Waiting, at now: Instant) -> [Effect] {
    var waiting = waiting
    defer { state = .backup(waiting) }
    if waiting.contest != nil {
      if claim == .announced || claim == .answered { waiting.contest?.heardAt = now }
      return []
    }
    // Ignored while advertisements arrive, until two intervals after the last one or after this node began to listen. A
    // kernel's answer alone proves nothing: a kernel keeps the address of a process that died.
    let silence = Interval(nanoseconds: 2 * waiting.activeInterval.nanoseconds)
    guard claim == .announced, !waiting.isHurried, now >= silentSince(waiting) + silence else { return [] }
    waiting.contest = Contest(owner: owner, heardAt: now, probeAt: now + settings.interval, saidAt: now)
    return [.note(stoodBack(behind: owner, at: now))]
  }

  /// Why the addresses are left to another node: its advertisements do not arrive, or they are rejected.
  func stoodBack(behind owner: String, at now: Instant) -> RouterNote {
    let memory = settings.activeDownInterval(priority: Self.leastPriority, activeInterval: settings.interval)
    // A third one's are no reason, where it is known who has been Active.
    guard let refusal, now < refusal.heardAt + memory, peer.map({ $0.address == refusal.sender }) ?? true else {
      return .unheardActive(owner)
    }
    return .rejectedActive(owner, refusal.sender, refusal.rejection)
  }

  /// Probes for the addresses, and reminds the operator of the node that has them.
  private mutating func ask(_ waiting: Waiting, at now: Instant) -> [Effect] {
    var waiting = waiting
    defer { state = .backup(waiting) }
    guard var contest = waiting.contest else {
      waiting.probes += 1
      return [.probe]
    }
    contest.probeAt = now + settings.interval
    let isDue = now >= contest.saidAt + Pace.duplicateReminder
    if isDue { contest.saidAt = now }
    waiting.contest = contest
    return [.probe] + (isDue ? [.note(stoodBack(behind: contest.owner, at: now))] : [])
  }

  mutating func expire(_ waiting: Waiting, at now: Instant) -> [Effect] {
    let deadline = deadline(of: waiting)
    guard now >= deadline else { return [] }
    if now < end(of: waiting), now - deadline <= Pace.lateWakeUp { return ask(waiting, at: now) }
    guard now - deadline > Pace.lateWakeUp, !waiting.wokeLate else {
      return becomeActive(because: waiting.reason, at: now)
    }
    // We were deaf, and the Active need not have been silent. To take over from one that works would cut its
    // connections.
    let contest = waiting.contest
    var waiting = Waiting(since: now, activeInterval: waiting.activeInterval, preemptsFrom: waiting.preemptsFrom)
    waiting.wokeLate = true
    waiting.contest = contest.map { contest in
      Contest(owner: contest.owner, heardAt: now, probeAt: now + settings.interval, saidAt: contest.saidAt)
    }
    state = .backup(waiting)
    return [.note(.suspended(now - deadline))]
  }

  mutating func hear(
    _ advertisement: Advertisement, from address: IPAddress, waiting: Waiting, at now: Instant
  ) -> [Effect] {
    var waiting = waiting
    waiting.wokeLate = false
    waiting.contest = nil
    waiting.probes = 0
    contests = 0
    defer { if case .backup = state { state = .backup(waiting) } }
    if advertisement.priority == 0 {
      waiting.since = now
      waiting.isHurried = true
      waiting.reason = .activeLeft
      return []
    }
    let before = waiting.followed
    let isFollowed = before?.address == address
    guard supersedes(advertisement, waiting, at: now) else {
      waiting.since = now
      waiting.isHurried = false
      waiting.reason = .activeSilent
      if settings.version == .v3 { waiting.activeInterval = advertisement.interval }
      waiting.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
      return []
    }
    // RFC 9568 discards it, and the timer runs on. One that we followed and that has just become worse says so for us
    // to act: there is nothing to wait for.
    waiting.reason = .preempted(address, priority: advertisement.priority)
    let hasFallen = isFollowed && (before?.priority ?? 0) >= priority
    if (hasFallen || advertisement.priority == Self.leastPriority) && !waiting.isHurried {
      waiting.isHurried = true
      waiting.since = now
    }
    if isFollowed || before == nil {
      waiting.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
    }
    return []
  }

  /// Whether an Active is one to take over from. Without preemption only from one that says it is of no use.
  private func supersedes(_ advertisement: Advertisement, _ waiting: Waiting, at now: Instant) -> Bool {
    guard advertisement.priority < priority else { return false }
    if advertisement.priority == Self.leastPriority { return true }
    return settings.preempts && now >= waiting.preemptsFrom
  }

  /// As a Backup that knows of no Active.
  mutating func beginAgain(because reason: Transition.Reason, at now: Instant) -> [Effect] {
    let waiting = Waiting(since: now, activeInterval: settings.interval, preemptsFrom: now + settings.preemptDelay)
    return transition(to: .backup(waiting), because: reason, at: now)
  }

  /// As a Backup behind a better Active.
  mutating func becomeBackup(
    behind advertisement: Advertisement, from address: IPAddress, because reason: Transition.Reason, at now: Instant
  ) -> [Effect] {
    let interval = settings.version == .v3 ? advertisement.interval : settings.interval
    var waiting = Waiting(since: now, activeInterval: interval, preemptsFrom: now + settings.preemptDelay)
    waiting.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
    return transition(to: .backup(waiting), because: reason, at: now)
  }
}
