import Wire

/// Detects that another node is Active at the same time, and remains so.
///
/// A single advertisement of a worse Active is normal: a partition healed, or it is the predecessor's last. If more
/// follow, the other node does not receive ours. Several such nodes are treated as one, because their addresses may be
/// forged.
struct ConflictDetector: Hashable {
  /// A worse Active, as in its last advertisement.
  private struct DuplicateActive: Hashable {
    var address: IPAddress
    var priority: UInt8
    let since: Instant
    var silentAt: Instant
    var saidAt: Instant?
    /// It was Active until we took over, and may not have received our advertisement yet: its last one is not logged.
    var isPredecessor = true
  }

  private var duplicateActive: DuplicateActive?
  /// When a worse Active was last logged.
  private var noticedAt: Instant?

  /// The other Active, once it has been logged as a duplicate.
  var established: IPAddress? { duplicateActive?.saidAt == nil ? nil : duplicateActive?.address }

  var deadline: Instant? { duplicateActive?.silentAt }

  /// An advertisement of a worse Active was received. `isPredecessor` is true while it may have been sent before ours
  /// was received.
  mutating func heard(
    _ advertisement: Advertisement, from address: IPAddress, isPredecessor: Bool, at now: Instant
  ) -> RouterNote? {
    // Three intervals without an advertisement, and a second, end the conflict.
    let silentAt = now + Interval(nanoseconds: 3 * advertisement.interval.nanoseconds + 1_000_000_000)
    let priority = advertisement.priority
    var other =
      duplicateActive ?? DuplicateActive(address: address, priority: priority, since: now, silentAt: silentAt)
    (other.address, other.priority, other.silentAt) = (address, priority, max(other.silentAt, silentAt))
    defer { duplicateActive = other }
    if other.isPredecessor, !isPredecessor {
      other.isPredecessor = false
      return Self.isDue(&noticedAt, at: now) ? .worseActive(address, priority: priority) : nil
    }
    guard now - other.since >= VirtualRouter.Pace.duplicateTimeout, Self.isDue(&other.saidAt, at: now) else {
      return nil
    }
    return .bothActive(address, priority: priority, for: now - other.since)
  }

  mutating func advance(to now: Instant) -> RouterNote? {
    guard let duplicateActive, now >= duplicateActive.silentAt else { return nil }
    self.duplicateActive = nil
    return duplicateActive.saidAt == nil ? nil : .duplicateGone(duplicateActive.address)
  }

  /// Whether a line may be logged again; it then counts as logged.
  private static func isDue(_ last: inout Instant?, at now: Instant) -> Bool {
    if let last, now - last < VirtualRouter.Pace.duplicateReminder { return false }
    last = now
    return true
  }
}
