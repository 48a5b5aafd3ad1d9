import Domain
import Wire

/// The handling of each event, and the effects of conditions and time.
extension VirtualRouter {
  mutating func react(to event: Event, at now: Instant) -> [Effect] {
    switch event {
    case .start:
      guard lifecycle == .created else { return [] }
      lifecycle = .started
      since = now
      return []
    case .advertisement(let advertisement, let address):
      return receive(advertisement, from: address, at: now)
    case .rejected(let rejection, let sender):
      heard.refusal = LastHeard.Refusal(rejection: rejection, sender: sender, heardAt: now)
      return []
    case .peer(let report):
      return receive(report, at: now)
    case .timer:
      return []
    case .track(let index, let isGood):
      conditions.tracked.report(index, isGood: isGood, at: now)
      return []
    case .source(let address):
      conditions.source = address
      return []
    case .addressRemoved:
      guard case .held = lease.state else { return [] }
      return [.note(.addressRemoved)] + lease.hold(at: now) + [.announce(times: 1)]
    case .claimed(let claim, let owner):
      switch state {
      case .active(let active): return defend(active, against: claim, by: owner, at: now)
      case .backup(let backup): return note(claim, by: owner, backup, at: now)
      case .initialize, .fault, .leaving: return []
      }
    case .failOver(let bound):
      withdrawal.until = now + bound
      let said = [Effect.note(.away(for: bound))]
      switch state {
      case .active: return said + leave(for: .failover, at: now)
      // The answer to the first request, which is pending, answers this one as well.
      case .leaving(let leaving) where leaving.purpose == .failover: return said
      case .initialize, .fault, .backup, .leaving: return said + [.failedOver(to: nil, wasActive: false)]
      }
    case .failBack:
      withdrawal.failBackUntil = now + Pace.failBackBound
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
      conditions.groupFault = name
      return []
    }
  }

  private mutating func receive(_ advertisement: Advertisement, from address: IPAddress, at now: Instant) -> [Effect] {
    heard.peer = Peer(address: address, priority: advertisement.priority, heardAt: now)
    if advertisement.priority == 0 { counters.priorityZeroReceived += 1 }
    switch state {
    case .initialize, .fault: return []
    case .backup(let backup):
      return hear(advertisement, from: address, backup, at: now)
    case .active(let active): return compete(active, with: advertisement, from: address, at: now)
    case .leaving: return advertisement.priority > 0 ? endLeaving(successor: (advertisement, address), at: now) : []
    }
  }

  /// Processes everything that was due by now, before the event.
  mutating func catchUp(to now: Instant) -> [Effect] {
    var effects = wakeUp(at: now)
    conditions.tracked.advance(to: now)
    if let until = withdrawal.until, now >= until { effects += comeBack(isRequested: false, at: now) }
    effects += lease.advance(to: now)
    heard.reports.advance(to: now)
    switch state {
    case .initialize, .fault: break
    case .backup(let backup):
      effects += expire(backup, at: now)
      if case .backup(let backup) = state { awaitReports(backup, at: now) }
    case .active(let active): effects += advance(active, to: now) + compareReports(at: now)
    case .leaving(let leaving): effects += reannounce(leaving, at: now)
    }
    return effects
  }

  /// After a suspension that was long enough for another node to become Active: gives up the addresses before they
  /// could be renewed. The packets in the socket's buffer show afterwards whether another node is Active.
  private mutating func wakeUp(at now: Instant) -> [Effect] {
    switch state {
    case .active(let active):
      let silence = settings.activeDownInterval(priority: Self.leastPriority, activeInterval: settings.interval)
      return now > active.advertiseAt + silence ? resume(after: now - active.advertiseAt, at: now) : []
    case .leaving(let leaving):
      return now > leaving.until + Pace.lateWakeUp ? abandon(leaving, after: now - leaving.until, at: now) : []
    case .initialize, .fault, .backup: return []
    }
  }

  /// Applies changed conditions to the role.
  mutating func applyTransitions(at now: Instant) -> [Effect] {
    var effects = publishPriority()
    let mayTakePart = lifecycle == .started && faults.isEmpty
    switch state {
    case .initialize where mayTakePart, .fault where mayTakePart: effects += takePart(at: now)
    case .backup where !mayTakePart:
      effects += transition(to: idle, because: lifecycle == .stopping ? .stopped : .faults(faults), at: now)
    case .active where !mayTakePart: effects += leave(for: .faults(faults), at: now)
    case .leaving where conditions.source == nil: effects += endLeaving(successor: nil, at: now)
    case .initialize, .fault, .backup, .active, .leaving: break
    }
    if lifecycle == .stopping, state == .initialize, !lease.isPresent {
      lifecycle = .stopped
      withdrawal.until = nil
      effects.append(.stopped)
    }
    return effects
  }

  /// The state of a node that no longer takes part.
  var idle: State { lifecycle == .started ? .fault : .initialize }

  /// Logs a change of the priority, and advertises it at once as Active. A Backup that is now better takes over at
  /// once.
  private mutating func publishPriority() -> [Effect] {
    let priority = priority
    guard let before = loggedPriority, priority != before else { return [] }
    loggedPriority = priority
    let said = [Effect.note(.priority(from: before, to: priority, priorityReductions: priorityReductions))]
    guard case .active = state, faults.isEmpty else { return said }
    guard priority < before, settings.version == .v3 else { return said + send(advertisement(priority: priority)) }
    // A Backup adopts the short interval. It then receives an advertisement of a worse Active, which it discards.
    return said + send(advertisement(priority: before, interval: Pace.handOverInterval))
      + send(advertisement(priority: priority))
  }

  private mutating func takePart(at now: Instant) -> [Effect] {
    loggedPriority = priority
    if priority == 255 { return becomeActive(because: .owner, at: now) }
    return beginAgain(because: .ready, at: now)
  }

  private mutating func stop(at now: Instant) -> [Effect] {
    guard lifecycle == .created || lifecycle == .started else { return [] }
    lifecycle = .stopping
    switch state {
    case .active: return leave(for: .stopped, at: now)
    case .leaving(var leaving):
      leaving.purpose = .stopped
      state = .leaving(leaving)
      return []
    case .initialize, .fault: return transition(to: .initialize, because: .stopped, at: now)
    case .backup: return []
    }
  }

  /// Ends the withdrawal. A requested failback takes the addresses back even without preemption.
  private mutating func comeBack(isRequested: Bool, at now: Instant) -> [Effect] {
    guard withdrawal.until != nil else { return [] }
    withdrawal.until = nil
    let said = [Effect.note(.back)]
    guard case .backup(let backup) = state, let worse = backup.followed, worse.priority < priority,
      isRequested || settings.preempts
    else { return said }
    return said + becomeActive(because: .preempted(worse.address, priority: worse.priority), at: now)
  }

  /// Answers a failback when the Active is known, or after `Pace.failBackBound`.
  mutating func answerFailBack(at now: Instant) -> [Effect] {
    guard let failBackUntil = withdrawal.failBackUntil else { return [] }
    var isDecided = true
    var followed: Peer?
    switch state {
    case .active, .initialize, .fault: break
    case .leaving: isDecided = false
    case .backup(let backup):
      followed = backup.followed
      isDecided = backup.wait != .skewTime && followed.map { $0.priority >= priority || !settings.preempts } ?? false
    }
    guard isDecided || now >= failBackUntil else { return [] }
    withdrawal.failBackUntil = nil
    return [.failedBack(isActive: role == .active, behind: followed?.address)]
  }

  mutating func send(_ advertisement: Advertisement) -> [Effect] {
    guard conditions.source != nil else { return [] }
    if advertisement.priority > 0 { advertisedPriority = advertisement.priority }
    return [.send(advertisement)]
  }
}
