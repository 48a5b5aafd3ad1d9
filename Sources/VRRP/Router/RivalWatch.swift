import Wire

/// Notices that somebody else is Active as well, and stays so.
///
/// One advertisement of a worse Active is in order: a partition healed, or the predecessor's last. When they go on, the
/// other one does not hear us.
struct RivalWatch: Hashable {
  /// A worse Active that is heard.
  private struct Rival: Hashable {
    var address: IPAddress
    var priority: UInt8
    var since: Instant
    var silentAt: Instant
    var saidAt: Instant?
    /// It was Active until we took over, and need not have heard so: its last word is no news.
    var isPredecessor: Bool
  }

  private var rival: Rival?

  /// The rival, once it is one.
  var established: IPAddress? { rival?.saidAt == nil ? nil : rival?.address }

  var deadline: Instant? { rival?.silentAt }

  /// An advertisement of a worse Active came; `isPredecessor` while it may be its answer to our taking over.
  mutating func heard(
    _ advertisement: Advertisement, from address: IPAddress, isPredecessor: Bool, at now: Instant
  ) -> RouterNote? {
    // Three intervals of silence end it, as they end an Active.
    let silentAt = now + Interval(nanoseconds: 3 * advertisement.interval.nanoseconds + 1_000_000_000)
    guard var rival, rival.address == address else {
      rival = Rival(
        address: address, priority: advertisement.priority, since: now, silentAt: silentAt,
        isPredecessor: isPredecessor)
      return isPredecessor ? nil : .worseActive(address, priority: advertisement.priority)
    }
    rival.priority = advertisement.priority
    rival.silentAt = silentAt
    defer { self.rival = rival }
    if rival.isPredecessor, !isPredecessor {
      rival.isPredecessor = false
      return .worseActive(address, priority: rival.priority)
    }
    guard now - rival.since >= VirtualRouter.Pace.rivalPatience else { return nil }
    if let saidAt = rival.saidAt, now - saidAt < VirtualRouter.Pace.rivalReminder { return nil }
    rival.saidAt = now
    return .bothActive(address, priority: rival.priority, for: now - rival.since)
  }

  mutating func advance(to now: Instant) -> RouterNote? {
    guard let rival, now >= rival.silentAt else { return nil }
    self.rival = nil
    return rival.saidAt == nil ? nil : .rivalGone(rival.address)
  }

  mutating func forget() { rival = nil }
}
