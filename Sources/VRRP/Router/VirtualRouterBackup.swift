import Domain
import Wire

/// The role of Backup (RFC 9568 §6.4.2): waits until the Active stops advertising.
extension VirtualRouter {
  /// The state of a Backup.
  struct Waiting: Hashable {
    /// When the timer was last set.
    var since: Instant
    /// Active_Adver_Interval: the interval in the Active's last advertisement.
    var activeInterval: Interval
    /// The earliest time at which a worse Active is preempted.
    var preemptsFrom: Instant
    /// The current Active.
    var followed: Peer?
    /// The wait is Skew_Time, not Active_Down_Interval.
    var isHurried = false
    /// This process did not run for a while, and the wait was restarted.
    var wokeLate = false
    /// The number of probes for the addresses since the Active's last advertisement.
    var probes: UInt64 = 0
    /// Another host has the addresses, and its advertisements do not arrive.
    var contest: Contest?
    /// The reason of the transition at the end of the wait.
    var reason = Transition.Reason.activeSilent
  }

  /// An Active whose announcements arrive but whose advertisements do not. A probe in each interval checks that it
  /// still has the address. As long as it does, taking over would cut its connections, and it would announce the
  /// address against us.
  struct Contest: Hashable {
    /// Its link-layer address.
    var owner: String
    /// When it last announced the addresses or answered a probe.
    var heardAt: Instant
    var probeAt: Instant
    /// When this was last logged.
    var saidAt: Instant
  }

  /// The end of the wait, or the time of the next probe.
  func deadline(of waiting: Waiting) -> Instant {
    let end = end(of: waiting)
    if let contest = waiting.contest { return min(contest.probeAt, end) }
    return probeAt(waiting).map { min($0, end) } ?? end
  }

  /// There are two probes, two and three intervals after the last advertisement: a single lost advertisement causes
  /// none, and a reply still arrives before the wait ends.
  private func probeAt(_ waiting: Waiting) -> Instant? {
    guard waiting.probes < 2, !waiting.isHurried else { return nil }
    return silentSince(waiting) + Interval(nanoseconds: (2 + waiting.probes) * waiting.activeInterval.nanoseconds)
  }

  /// The time of the last advertisement, or the start of listening.
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

  /// The shortest wait of a node that has become Active too often.
  var leastWait: Interval {
    max(
      settings.activeDownInterval(priority: priority, activeInterval: settings.interval), FlapDamping.leastWait)
  }

  /// When the addresses count as free. The wait grows with each contest and depends on the source address, so that two
  /// nodes that gave way to each other do not take over at the same time again.
  private func end(of contest: Contest) -> Instant {
    let silence = settings.activeDownInterval(priority: priority, activeInterval: settings.interval)
    let share = (source?.low ?? 0) & 0xff
    let apart = silence.nanoseconds / 1024 * share * UInt64(contests) / UInt64(Pace.mostContests)
    return contest.heardAt + Interval(nanoseconds: silence.nanoseconds + apart)
  }

  /// Another host claims the addresses.
  mutating func note(_ claim: AddressClaim, by owner: String, _ waiting: Waiting, at now: Instant) -> [Effect] {
    var waiting = waiting
    defer { state = .backup(waiting) }
    if waiting.contest != nil {
      if claim == .announced || claim == .answered { waiting.contest?.heardAt = now }
      return []
    }
    // Ignored while advertisements arrive: until two intervals after the last one, or after this node began to listen.
    // A kernel's reply alone is no proof of an Active: the kernel keeps the address of a process that died.
    let silence = Interval(nanoseconds: 2 * waiting.activeInterval.nanoseconds)
    guard claim == .announced, !waiting.isHurried, now >= silentSince(waiting) + silence else { return [] }
    waiting.contest = Contest(owner: owner, heardAt: now, probeAt: now + settings.interval, saidAt: now)
    return [.note(gaveWayNote(behind: owner, at: now))]
  }

  /// The reason for leaving the addresses to another host: its advertisements do not arrive, or they are rejected.
  func gaveWayNote(behind owner: String, at now: Instant) -> RouterNote {
    let memory = settings.activeDownInterval(priority: Self.leastPriority, activeInterval: settings.interval)
    // If the Active is known, rejected advertisements of a third node are not the reason.
    guard let refusal, now < refusal.heardAt + memory, peer.map({ $0.address == refusal.sender }) ?? true else {
      return .unheardActive(owner)
    }
    return .rejectedActive(owner, refusal.sender, refusal.rejection)
  }

  /// Probes for the addresses, and repeats the log message about the host that has them.
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
    return [.probe] + (isDue ? [.note(gaveWayNote(behind: contest.owner, at: now))] : [])
  }

  mutating func expire(_ waiting: Waiting, at now: Instant) -> [Effect] {
    let deadline = deadline(of: waiting)
    guard now >= deadline else { return [] }
    if now < end(of: waiting), now - deadline <= Pace.lateWakeUp { return ask(waiting, at: now) }
    guard now - deadline > Pace.lateWakeUp, !waiting.wokeLate else {
      return becomeActive(because: waiting.reason, at: now)
    }
    // This node could not receive, and the Active may have advertised. Taking over from a working Active would cut its
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
    // RFC 9568 discards the advertisement, and the timer continues. If the followed Active has just become worse, the
    // wait is Skew_Time only.
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

  /// Whether to take over from an Active. Without preemption only if it advertises the lowest priority.
  private func supersedes(_ advertisement: Advertisement, _ waiting: Waiting, at now: Instant) -> Bool {
    guard advertisement.priority < priority else { return false }
    if advertisement.priority == Self.leastPriority { return true }
    return settings.preempts && now >= waiting.preemptsFrom
  }

  /// As a Backup without a known Active.
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
