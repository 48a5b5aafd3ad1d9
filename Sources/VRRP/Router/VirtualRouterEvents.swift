import Domain
import Wire

/// The handling of each event, and the effects of conditions and time.
extension VirtualRouter {
  mutating func react(to event: Event, at now: Instant) -> [Effect] {
    switch event {
    case .start:
      isStarted = true
      if since == nil { since = now }
      return []
    case .advertisement(let advertisement, let address):
      return receive(advertisement, from: address, at: now)
    case .rejected(let rejection, let sender):
      refusal = Refusal(rejection: rejection, sender: sender, heardAt: now)
      return []
    case .timer:
      return []
    case .track(let index, let isGood):
      tracked.report(index, isGood: isGood, at: now)
      return []
    case .source(let address):
      source = address
      return []
    case .addressRemoved:
      guard case .held = lease.state else { return [] }
      return [.note(.addressRemoved)] + lease.hold(at: now) + [.announce(times: 1)]
    case .claimed(let claim, let owner):
      switch state {
      case .active: return defend(against: claim, by: owner, at: now)
      case .backup(let waiting): return note(claim, by: owner, waiting, at: now)
      case .initialize, .leaving: return []
      }
    case .failOver(let bound):
      awayUntil = now + bound
      let said = [Effect.note(.away(for: bound))]
      switch state {
      case .active: return said + leave(for: .failover, at: now)
      // The answer to the first request, which is pending, answers this one as well.
      case .leaving(let leaving) where leaving.purpose == .failover: return said
      case .initialize, .backup, .leaving: return said + [.failedOver(to: nil, wasActive: false)]
      }
    case .failBack:
      failBackUntil = now + Pace.failBackBound
      return comeBack(isRequested: true, at: now)
    case .stop:
      return stop(at: now)
    case .groupTookOver:
      guard case .backup = state, faults.isEmpty else { return [] }
      return becomeActive(because: .group, at: now)
    case .groupYielded:
      guard case .active = state else { return [] }
      return leave(for: .group, at: now)
    case .groupFault(let name):
      groupFault = name
      return []
    }
  }

  private mutating func receive(_ advertisement: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    peer = Peer(address: address, priority: advertisement.priority, heardAt: now)
    addressConflict = nil
    if advertisement.priority == 0 { counters.priorityZeroReceived += 1 }
    switch state {
    case .initialize: return []
    case .backup(let waiting): return hear(advertisement, from: address, waiting: waiting, at: now)
    case .active: return compete(with: advertisement, from: address, at: now)
    case .leaving(let leaving): return hearSuccessor(advertisement, from: address, leaving: leaving, at: now)
    }
  }

  /// Processes everything that was due by now, before the event.
  mutating func catchUp(to now: Instant) -> [Effect] {
    var effects = wakeUp(at: now)
    tracked.advance(to: now)
    if let awayUntil, now >= awayUntil { effects += comeBack(isRequested: false, at: now) }
    effects += lease.advance(to: now)
    switch state {
    case .initialize: break
    case .backup(let waiting): effects += expire(waiting, at: now)
    case .active(let advertiseAt): effects += advertise(dueAt: advertiseAt, at: now)
    case .leaving(let leaving): effects += reannounce(leaving, at: now)
    }
    effects += decide(at: now)
    effects += announcements.advance(to: now)
    effects += conflicts.advance(to: now).map { [.note($0)] } ?? []
    return effects
  }

  /// After a suspension that was long enough for another node to become Active: gives up the addresses before they
  /// could be renewed. The packets in the socket's buffer show afterwards whether another node is Active.
  private mutating func wakeUp(at now: Instant) -> [Effect] {
    switch state {
    case .active(let advertiseAt):
      let silence = settings.activeDownInterval(priority: Self.leastPriority, activeInterval: settings.interval)
      return now > advertiseAt + silence ? resume(after: now - advertiseAt, at: now) : []
    case .leaving(let leaving):
      return now > leaving.until + Pace.lateWakeUp ? abandon(leaving, after: now - leaving.until, at: now) : []
    case .initialize, .backup: return []
    }
  }

  /// Applies changed conditions to the role.
  mutating func applyTransitions(at now: Instant) -> [Effect] {
    var effects = publishPriority()
    let mayTakePart = isStarted && !isStopping && faults.isEmpty
    switch state {
    case .initialize where mayTakePart: effects += takePart(at: now)
    case .backup where !mayTakePart:
      effects += transition(to: .initialize, because: isStopping ? .stopped : .faults(faults), at: now)
    case .active where !mayTakePart: effects += leave(for: .faults(faults), at: now)
    case .leaving where source == nil: effects += endLeaving(successor: nil, at: now)
    case .initialize, .backup, .active, .leaving: break
    }
    if isStopping, state == .initialize, !lease.isPresent, isStarted {
      isStarted = false
      awayUntil = nil
      effects.append(.stopped)
    }
    return effects
  }

  /// Logs a change of the priority, and advertises it at once as Active. A Backup that is now better takes over at
  /// once.
  private mutating func publishPriority() -> [Effect] {
    let (before, priority) = (publishedPriority, priority)
    guard priority != before, hasTakenPart else { return [] }
    publishedPriority = priority
    let said = [Effect.note(.priority(from: before, to: priority, priorityReductions: priorityReductions))]
    guard case .active = state, faults.isEmpty else { return said }
    guard priority < before, settings.version == .v3 else { return said + send(advertisement(priority: priority)) }
    // A Backup adopts the short interval. It then receives an advertisement of a worse Active, which it discards.
    return said + send(advertisement(priority: before, interval: Pace.handOverInterval))
      + send(advertisement(priority: priority))
  }

  private mutating func takePart(at now: Instant) -> [Effect] {
    // After the transition: the first start is not the end of a fault.
    defer { hasTakenPart = true }
    publishedPriority = priority
    if priority == 255 { return becomeActive(because: .owner, at: now) }
    return beginAgain(because: .ready, at: now)
  }

  private mutating func stop(at now: Instant) -> [Effect] {
    guard !isStopping else { return [] }
    let before = role
    isStopping = true
    // `stop` before `start` must be answered too.
    isStarted = true
    switch state {
    case .active: return leave(for: .stopped, at: now)
    case .leaving(var leaving):
      leaving.purpose = .stopped
      state = .leaving(leaving)
      return []
    case .initialize: return transition(to: .initialize, because: .stopped, from: before, at: now)
    case .backup: return []
    }
  }

  /// Ends the withdrawal. A requested failback takes the addresses back even without preemption.
  private mutating func comeBack(isRequested: Bool, at now: Instant) -> [Effect] {
    guard awayUntil != nil else { return [] }
    awayUntil = nil
    let said = [Effect.note(.back)]
    guard case .backup(let waiting) = state, let worse = waiting.followed, worse.priority < priority,
      isRequested || settings.preempts
    else { return said }
    return said + becomeActive(because: .preempted(worse.address, priority: worse.priority), at: now)
  }

  /// Answers a failback when the Active is known, or when `failBackUntil` has passed.
  mutating func answerFailBack(at now: Instant) -> [Effect] {
    guard let failBackUntil else { return [] }
    var isDecided = true
    var followed: Peer?
    switch state {
    case .active, .initialize: break
    case .leaving: isDecided = false
    case .backup(let waiting):
      followed = waiting.followed
      isDecided = !waiting.isHurried && followed.map { $0.priority >= priority || !settings.preempts } ?? false
    }
    guard isDecided || now >= failBackUntil else { return [] }
    self.failBackUntil = nil
    return [.failedBack(isActive: role == .active, behind: followed?.address)]
  }

  mutating func send(_ advertisement: Advertisement) -> [Effect] {
    guard source != nil else { return [] }
    if advertisement.priority > 0 { advertisedPriority = advertisement.priority }
    return [.send(advertisement)]
  }
}
