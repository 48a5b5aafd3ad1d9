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
    var hasOverslept = false
    /// Why it waits so.
    var reason = Transition.Reason.activeSilent

    init(since: Instant, activeInterval: Interval, preemptsFrom: Instant) {
      self.since = since
      self.activeInterval = activeInterval
      self.preemptsFrom = preemptsFrom
    }
  }

  /// When the wait is over.
  func deadline(of waiting: Waiting) -> Instant {
    waiting.since
      + (waiting.isHurried
        ? settings.skewTime(priority: priority, activeInterval: waiting.activeInterval)
        : settings.activeDownInterval(priority: priority, activeInterval: waiting.activeInterval))
  }

  mutating func expire(_ waiting: Waiting, at now: Instant) -> [Effect] {
    let deadline = deadline(of: waiting)
    guard now >= deadline else { return [] }
    guard now - deadline > Pace.oversleep, !waiting.hasOverslept else {
      return becomeActive(because: waiting.reason, at: now)
    }
    // We were deaf, and the Active need not have been silent. To take over from one that works would cut its
    // connections.
    var waiting = Waiting(since: now, activeInterval: waiting.activeInterval, preemptsFrom: waiting.preemptsFrom)
    waiting.hasOverslept = true
    state = .backup(waiting)
    return [.note(.suspended(now - deadline))]
  }

  mutating func hear(
    _ advertisement: Advertisement, from address: IPAddress, waiting: Waiting, at now: Instant
  ) -> [Effect] {
    var waiting = waiting
    waiting.hasOverslept = false
    defer { if case .backup = state { state = .backup(waiting) } }
    if advertisement.priority == 0 {
      waiting.since = now
      waiting.isHurried = true
      waiting.reason = .activeLeft
      return []
    }
    let before = waiting.followed
    let isFollowed = before?.address == address
    guard relieves(advertisement, waiting, at: now) else {
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
  private func relieves(_ advertisement: Advertisement, _ waiting: Waiting, at now: Instant) -> Bool {
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
