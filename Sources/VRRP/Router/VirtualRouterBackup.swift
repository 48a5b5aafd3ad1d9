import Domain
import Wire

/// The role of Backup (RFC 9568 §6.4.2): waits until the Active stops advertising.
extension VirtualRouter {
  /// The state of a Backup.
  struct Backup: Hashable {
    /// When Active_Down_Timer was last set.
    var since: Instant
    /// Active_Adver_Interval: the interval in the Active's last advertisement.
    var activeInterval: Interval
    /// The earliest time at which a worse Active is preempted.
    var preemptsFrom: Instant
    var wait = Wait.activeDownInterval(probes: 0)
    /// The reason of the transition at the end of the wait.
    var reason = Transition.Reason.activeSilent
    /// The current Active.
    var followed: Peer?
    /// This process did not run for a while, and the wait was restarted.
    var wokeLate = false
  }

  /// How long a Backup waits before it becomes Active.
  enum Wait: Hashable {
    /// With the number of probes for the addresses since the Active's last advertisement.
    case activeDownInterval(probes: UInt64)
    case skewTime
    /// Until a host that has the addresses, and whose advertisements do not arrive, is silent too.
    case contest(Contest)
    /// As long as this node, which is not heard, reports that it is Active.
    case settled(behind: String)
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
  func deadline(of backup: Backup) -> Instant {
    let end = end(of: backup)
    return probeAt(backup).map { min($0, end) } ?? end
  }

  /// Before Active_Down_Interval ends there are two probes, two and three intervals after the last advertisement: a
  /// single lost advertisement causes none, and a reply still arrives in time.
  private func probeAt(_ backup: Backup) -> Instant? {
    switch backup.wait {
    case .activeDownInterval(let probes) where probes < 2:
      silentSince(backup) + Interval(nanoseconds: (2 + probes) * backup.activeInterval.nanoseconds)
    case .contest(let contest): contest.probeAt
    case .activeDownInterval, .skewTime, .settled: nil
    }
  }

  /// The time of the last advertisement, or the start of listening.
  func silentSince(_ backup: Backup) -> Instant { max(backup.since, peer?.heardAt ?? backup.since) }

  private func end(of backup: Backup) -> Instant {
    let wait: Interval
    switch backup.wait {
    case .contest(let contest): return end(of: contest)
    case .settled: return .distantFuture
    case .skewTime: wait = settings.skewTime(priority: priority, activeInterval: backup.activeInterval)
    case .activeDownInterval:
      wait = settings.activeDownInterval(priority: priority, activeInterval: backup.activeInterval)
    }
    return backup.since + (damping.isDamping(at: backup.since) ? max(wait, leastWait) : wait)
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
    let share = (conditions.source?.low ?? 0) & 0xff
    let apart = silence.nanoseconds / 1024 * share * UInt64(contests) / UInt64(Pace.mostContests)
    return contest.heardAt + Interval(nanoseconds: silence.nanoseconds + apart)
  }

  /// Another host claims the addresses.
  mutating func note(_ claim: AddressClaim, by owner: String, _ backup: Backup, at now: Instant) -> [Effect] {
    var backup = backup
    defer { state = .backup(backup) }
    switch backup.wait {
    case .contest(var contest):
      if claim == .announced || claim == .answered { contest.heardAt = now }
      backup.wait = .contest(contest)
      return []
    case .skewTime, .settled: return []
    case .activeDownInterval:
      // Ignored while advertisements arrive: until two intervals after the last one, or after this node began to
      // listen. A kernel's reply alone is no proof of an Active: the kernel keeps the address of a process that died.
      let silence = Interval(nanoseconds: 2 * backup.activeInterval.nanoseconds)
      guard claim == .announced, now >= silentSince(backup) + silence else { return [] }
      if let name = announcingActive {
        backup.wait = .settled(behind: name)
        return [.note(.settled(behind: name))]
      }
      backup.wait = .contest(Contest(owner: owner, heardAt: now, probeAt: now + settings.interval, saidAt: now))
      return [.note(gaveWayNote(behind: owner, at: now))]
    }
  }

  /// The reason for leaving the addresses to another host: its advertisements do not arrive, or they are rejected.
  func gaveWayNote(behind owner: String, at now: Instant) -> RouterNote {
    let memory = settings.activeDownInterval(priority: Self.leastPriority, activeInterval: settings.interval)
    // If the Active is known, rejected advertisements of a third node are not the reason.
    guard let refusal = heard.refusal, now < refusal.heardAt + memory,
      peer.map({ $0.address == refusal.sender }) ?? true
    else { return .unheardActive(owner) }
    return .rejectedActive(owner, refusal.sender, refusal.rejection)
  }

  /// Probes for the addresses, and repeats the log message about the host that has them.
  private mutating func ask(_ backup: Backup, at now: Instant) -> [Effect] {
    var backup = backup
    defer { state = .backup(backup) }
    var effects = [Effect.probe]
    switch backup.wait {
    case .activeDownInterval(let probes): backup.wait = .activeDownInterval(probes: probes + 1)
    case .contest(var contest):
      contest.probeAt = now + settings.interval
      if now >= contest.saidAt + Pace.duplicateReminder {
        contest.saidAt = now
        effects.append(.note(gaveWayNote(behind: contest.owner, at: now)))
      }
      backup.wait = .contest(contest)
    case .skewTime, .settled: break
    }
    return effects
  }

  mutating func expire(_ backup: Backup, at now: Instant) -> [Effect] {
    let deadline = deadline(of: backup)
    guard now >= deadline else { return [] }
    if now < end(of: backup), now - deadline <= Pace.lateWakeUp { return ask(backup, at: now) }
    guard now - deadline > Pace.lateWakeUp, !backup.wokeLate else {
      if let name = unheardActive(backup) { return leave(backup, to: name, at: now) }
      return becomeActive(because: backup.reason, at: now)
    }
    // This node could not receive, and the Active may have advertised. Taking over from a working Active would cut its
    // connections.
    var again = Backup(since: now, activeInterval: backup.activeInterval, preemptsFrom: backup.preemptsFrom)
    again.wokeLate = true
    if case .contest(var contest) = backup.wait {
      (contest.heardAt, contest.probeAt) = (now, now + settings.interval)
      again.wait = .contest(contest)
    }
    state = .backup(again)
    return [.note(.suspended(now - deadline))]
  }

  mutating func hear(
    _ advertisement: Advertisement, from address: IPAddress, _ backup: Backup, at now: Instant
  ) -> [Effect] {
    let unheard = unheardPeer
    follow(advertisement, from: address, backup, at: now)
    return unheard.map { [.note(.heardAgain($0))] } ?? []
  }

  private mutating func follow(
    _ advertisement: Advertisement, from address: IPAddress, _ backup: Backup, at now: Instant
  ) {
    var backup = backup
    defer { state = .backup(backup) }
    backup.wokeLate = false
    if backup.wait != .skewTime { backup.wait = .activeDownInterval(probes: 0) }
    contests = 0
    if advertisement.priority == 0 {
      backup.since = now
      backup.wait = .skewTime
      backup.reason = .activeLeft
      return
    }
    let before = backup.followed
    let isFollowed = before?.address == address
    guard supersedes(advertisement, backup, at: now) else {
      backup.since = now
      backup.wait = .activeDownInterval(probes: 0)
      backup.reason = .activeSilent
      if settings.version == .v3 { backup.activeInterval = advertisement.interval }
      backup.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
      return
    }
    // RFC 9568 discards the advertisement, and the timer continues. If the followed Active has just become worse, the
    // wait is Skew_Time only.
    backup.reason = .preempted(address, priority: advertisement.priority)
    let hasFallen = isFollowed && (before?.priority ?? 0) >= priority
    if hasFallen || advertisement.priority == Self.leastPriority, backup.wait != .skewTime {
      backup.wait = .skewTime
      backup.since = now
    }
    if isFollowed || before == nil {
      backup.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
    }
  }

  /// Whether to take over from an Active. Without preemption only if it advertises the lowest priority.
  private func supersedes(_ advertisement: Advertisement, _ backup: Backup, at now: Instant) -> Bool {
    guard advertisement.priority < priority else { return false }
    if advertisement.priority == Self.leastPriority { return true }
    return settings.preempts && now >= backup.preemptsFrom
  }

  /// As a Backup without a known Active.
  mutating func beginAgain(because reason: Transition.Reason, at now: Instant) -> [Effect] {
    let backup = Backup(since: now, activeInterval: settings.interval, preemptsFrom: now + settings.preemptDelay)
    return transition(to: .backup(backup), because: reason, at: now)
  }

  /// As a Backup behind a better Active.
  mutating func becomeBackup(
    behind advertisement: Advertisement, from address: IPAddress, because reason: Transition.Reason, at now: Instant
  ) -> [Effect] {
    let interval = settings.version == .v3 ? advertisement.interval : settings.interval
    var backup = Backup(since: now, activeInterval: interval, preemptsFrom: now + settings.preemptDelay)
    backup.followed = Peer(address: address, priority: advertisement.priority, heardAt: now)
    return transition(to: .backup(backup), because: reason, at: now)
  }
}
