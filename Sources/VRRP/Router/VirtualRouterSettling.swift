import Domain
import Wire

/// Settles who is Active where advertisements do not arrive, by what the nodes of a pair report to each other.
///
/// A Backup whose Active reports that it runs, and is not heard, leaves the addresses to it. Of two Actives, the one with
/// the lower rank does. An Active that died reports nothing: `PeerReports` forgets it, and the usual timers count.
extension VirtualRouter {
  mutating func receive(_ report: PeerReport, at now: Instant) -> [Effect] {
    heard.reports.take(report, at: now)
    switch state {
    case .active: return compareReports(at: now)
    case .backup(let backup): return follow(backup, report, at: now)
    case .initialize, .fault, .leaving: return []
    }
  }

  /// The node that is Active, or does not hear this Active, although the nodes have a connection.
  package var unheardPeer: String? {
    switch state {
    case .backup(let backup): if case .settled(let name) = backup.wait { name } else { nil }
    case .active(let active): active.unheardBy
    case .initialize, .fault, .leaving: nil
    }
  }

  /// Whether it is Backup only because another node has reported that it is Active.
  package var isSettled: Bool { role == .backup && unheardPeer != nil }

  // MARK: - Active

  /// What follows from the reports, or from their absence.
  mutating func compareReports(at now: Instant) -> [Effect] {
    guard case .active(var active) = state else { return [] }
    var effects: [Effect] = []
    if let name = heard.reports.unhearing, active.unheardBy == nil { effects.append(.note(.unheard(by: name))) }
    if let name = active.unheardBy, heard.reports.isOrdinaryBackup(name) { effects.append(.note(.heardAgain(name))) }
    active.unheardBy = heard.reports.unhearing
    defer { if case .active = state { state = .active(active) } }
    guard let other = heard.reports.active?.report else {
      // It had the addresses too: neighbours may have learned its link-layer address last.
      if active.duplicateSince.take() != nil { effects.append(.announce(times: AnnouncementSchedule.burst)) }
      return effects
    }
    // A report may be from before this node took over: only one that is repeated counts.
    let since = active.duplicateSince ?? now
    active.duplicateSince = since
    guard now >= since + Pace.duplicateTimeout, let source = conditions.source,
      other.isBetter(than: priority, source)
    else { return effects }
    return effects + settle(behind: other.name, at: now)
  }

  private mutating func settle(behind name: String, at now: Instant) -> [Effect] {
    counters.priorityZeroSent += 1
    let left = send(advertisement(priority: 0)) + lease.drop()
    var backup = Backup(since: now, activeInterval: settings.interval, preemptsFrom: now + settings.preemptDelay)
    backup.wait = .settled(behind: name)
    return left + [.note(.settled(behind: name))]
      + transition(to: .backup(backup), because: .settled(behind: name), at: now)
  }

  // MARK: - Backup

  /// The node to leave the addresses to at the end of the wait for its advertisements: it has reported that it is Active
  /// since they stopped. One that died has not: the report was received more than two intervals and 250 ms after the last
  /// advertisement, and at least a second and a quarter, and what it sent before its death has arrived by then.
  func unheardActive(_ backup: Backup) -> String? {
    guard backup.reason == .activeSilent, let other = heard.reports.active, holds(other.report) else { return nil }
    let silence = max(2 * backup.activeInterval.nanoseconds, Interval.seconds(1).nanoseconds)
    let soonest = silentSince(backup) + Interval(nanoseconds: silence) + .milliseconds(250)
    return other.receivedAt >= soonest ? other.report.name : nil
  }

  /// The node that reports that it is Active, where another host has announced the addresses: it is that one.
  var announcingActive: String? { heard.reports.active.flatMap { holds($0.report) ? $0.report.name : nil } }

  mutating func leave(_ backup: Backup, to name: String, at now: Instant) -> [Effect] {
    var backup = backup
    backup.wait = .settled(behind: name)
    state = .backup(backup)
    return [.note(.settled(behind: name))]
  }

  /// A report of any node.
  private mutating func follow(_ backup: Backup, _ report: PeerReport, at now: Instant) -> [Effect] {
    guard backup.wait == .settled(behind: report.name), !holds(report) else { return [] }
    var backup = backup
    backup.wait = .skewTime
    backup.since = now
    backup.reason = .activeLeft
    state = .backup(backup)
    return []
  }

  /// When the Active's reports have ended: the rest of the usual wait, of which two intervals have passed. Then there are
  /// probes, since a node whose worker was replaced reports nothing for a while either.
  mutating func awaitReports(_ backup: Backup, at now: Instant) {
    guard case .settled(let name) = backup.wait, heard.reports.active?.report.name != name else { return }
    var backup = backup
    backup.wait = .activeDownInterval(probes: 0)
    backup.since = now - Interval(nanoseconds: 2 * backup.activeInterval.nanoseconds)
    state = .backup(backup)
  }

  /// Whether the node is Active, and can serve or is as good as this one.
  private func holds(_ report: PeerReport) -> Bool {
    report.role == .active && (report.priority > Self.leastPriority || priority == Self.leastPriority)
  }
}
