import Wire

/// Notices that another node is Active as well, and stays so.
///
/// One advertisement of a worse Active is in order: a partition healed, or the predecessor's last. When they go on, the
/// other one does not hear us.
struct ConflictDetector: Hashable {
  /// A worse Active that is heard.
  private struct DuplicateActive: Hashable {
    var address: IPAddress
    var priority: UInt8
    var since: Instant
    var silentAt: Instant
    var saidAt: Instant?
    /// It was Active until we took over, and need not have heard so: its last word is no news.
    var isPredecessor: Bool
  }

  private var duplicateActive: DuplicateActive?

  /// The other Active, once it stays.
  var established: IPAddress? { duplicateActive?.saidAt == nil ? nil : duplicateActive?.address }

  var deadline: Instant? { duplicateActive?.silentAt }

  /// An advertisement of a worse Active came; `isPredecessor` while it may be its answer to our taking over.
  mutating func heard(
    _ advertisement: Advertisement, from address: IPAddress, isPredecessor: Bool, at now: Instant
  ) -> RouterNote? {
    // Three intervals of silence end it, as they end an Active.
    let silentAt = now + Interval(nanoseconds: 3 * advertisement.interval.nanoseconds + 1_000_000_000)
    guard var duplicateActive, duplicateActive.address == address else {
      duplicateActive = DuplicateActive(
        address: address, priority: advertisement.priority, since: now, silentAt: silentAt,
        isPredecessor: isPredecessor)
      return isPredecessor ? nil : .worseActive(address, priority: advertisement.priority)
    }
    duplicateActive.priority = advertisement.priority
    duplicateActive.silentAt = silentAt
    defer { self.duplicateActive = duplicateActive }
    if duplicateActive.isPredecessor, !isPredecessor {
      duplicateActive.isPredecessor = false
      return .worseActive(address, priority: duplicateActive.priority)
    }
    guard now - duplicateActive.since >= VirtualRouter.Pace.duplicateTimeout else { return nil }
    if let saidAt = duplicateActive.saidAt, now - saidAt < VirtualRouter.Pace.duplicateReminder { return nil }
    duplicateActive.saidAt = now
    return .bothActive(address, priority: duplicateActive.priority, for: now - duplicateActive.since)
  }

  mutating func advance(to now: Instant) -> RouterNote? {
    guard let duplicateActive, now >= duplicateActive.silentAt else { return nil }
    self.duplicateActive = nil
    return duplicateActive.saidAt == nil ? nil : .duplicateGone(duplicateActive.address)
  }

  mutating func forget() { duplicateActive = nil }
}
