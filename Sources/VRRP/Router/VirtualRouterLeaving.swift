import Domain
import Wire

/// Handing over. The RFC's Shutdown event (§6.4.3) sends priority 0 and stops; the Backup waits for Skew_Time, and
/// until then the addresses are on no node. Here the addresses stay until the successor's advertisement arrives, so
/// that there is no gap, however long the skew is. In version 3 the skew is also shortened: a Backup adopts the
/// interval that the Active advertises (§6.4.2), so the last advertisements contain one centisecond, and Skew_Time is
/// 10 ms at most.
extension VirtualRouter {
  struct Leaving: Hashable {
    var purpose: Transition.Reason
    /// The last advertised priority.
    let priority: UInt8
    /// When to repeat the advertisements; nil in version 2, where a repetition restarts the skew.
    var repeatAt: Instant?
    /// The end of the wait for a successor.
    let until: Instant
  }

  /// Advertisements on behalf of an Active whose process died: in version 3 one with a short interval, so that the
  /// Backup waits less, and then one with priority 0.
  package var shutdownAdvertisements: [Advertisement] {
    let hurry = advertisement(priority: advertisedPriority, interval: Pace.handOverInterval)
    return (settings.version == .v3 ? [hurry] : []) + [advertisement(priority: 0)]
  }

  mutating func leave(for purpose: Transition.Reason, at now: Instant) -> [Effect] {
    // The priority may have fallen just now, which made us leave. A Backup adopts the interval only of a better Active.
    let leaving = Leaving(
      purpose: purpose, priority: advertisedPriority,
      repeatAt: settings.version == .v3 ? now + Pace.handOverRepeat : nil,
      until: now + Pace.handOverBound(settings.version))
    state = .leaving(leaving)
    guard conditions.source != nil else { return endLeaving(successor: nil, at: now) }
    return resign(leaving)
  }

  private mutating func resign(_ leaving: Leaving) -> [Effect] {
    counters.priorityZeroSent += 1
    let hurry =
      settings.version == .v3
      ? send(advertisement(priority: leaving.priority, interval: Pace.handOverInterval)) : []
    return hurry + send(advertisement(priority: 0))
  }

  /// Repeats the advertisements when due, and ends the hand-over after the wait.
  mutating func reannounce(_ leaving: Leaving, at now: Instant) -> [Effect] {
    if now >= leaving.until { return endLeaving(successor: nil, at: now) }
    guard let repeatAt = leaving.repeatAt, now >= repeatAt else { return [] }
    var leaving = leaving
    leaving.repeatAt = now + Pace.handOverRepeat
    state = .leaving(leaving)
    return resign(leaving)
  }

  /// After a suspension during a hand-over: there may be a successor, so the addresses are given up.
  mutating func abandon(_ leaving: Leaving, after pause: Interval, at now: Instant) -> [Effect] {
    let isRequested = leaving.purpose == .failover
    let said = [Effect.note(.suspended(pause))] + lease.drop()
    let left =
      isRequested || leaving.purpose == .group
      ? beginAgain(because: leaving.purpose, at: now)
      : transition(to: idle, because: leaving.purpose, at: now)
    return said + left + (isRequested ? [.failedOver(to: nil, wasActive: false)] : [])
  }

  /// Ends the hand-over: a successor took over the addresses, or there is none.
  mutating func endLeaving(successor: (advertisement: Advertisement, address: IPAddress)?, at now: Instant) -> [Effect]
  {
    guard case .leaving(let leaving) = state else { return [] }
    let isRequested = leaving.purpose == .failover
    let staysUp = (isRequested || leaving.purpose == .group) && faults.isEmpty
    guard let successor else {
      var effects = [Effect.note(.noTakeover)]
      if staysUp {
        // A working node keeps the addresses when no other node takes over.
        if isRequested { withdrawal.until = nil }
        loggedPriority = priority
        effects += becomeActive(because: .noTakeover, at: now)
        return isRequested ? effects + [.failedOver(to: nil, wasActive: true)] : effects
      }
      effects += lease.drop() + transition(to: idle, because: leaving.purpose, at: now)
      return isRequested ? effects + [.failedOver(to: nil, wasActive: true)] : effects
    }
    lease.yield(at: now)
    var effects = [Effect.note(.handedOver(to: successor.address))]
    if staysUp {
      effects += becomeBackup(
        behind: successor.advertisement, from: successor.address, because: leaving.purpose, at: now)
    } else {
      effects += transition(to: idle, because: leaving.purpose, at: now)
    }
    return isRequested ? effects + [.failedOver(to: successor.address, wasActive: true)] : effects
  }
}
