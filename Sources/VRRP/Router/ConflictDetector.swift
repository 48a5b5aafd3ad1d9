import Wire

/// Notices that another node is Active as well, and stays so.
///
/// One advertisement of a worse Active is in order: a partition healed, or the predecessor's last. When they go on, the
/// other one does not hear us. Several others count as one: their addresses may be forged.
struct ConflictDetector: Hashable {
  /// A worse Active that is heard, as it advertised last.
  private struct DuplicateActive: Hashable {
    var address: IPAddress
    var priority: UInt8
    let since: Instant
    var silentAt: Instant
    var saidAt: Instant?
    /// It was Active until we took over, and need not have heard so: its last word is no news.
    var isPredecessor = true
  }

  private var duplicateActive: DuplicateActive?
  /// When one was news the last time.
  private var noticedAt: Instant?

  /// The other Active, once it stays.
  var established: IPAddress? { duplicateActive?.saidAt == nil ? nil : duplicateActive?.address }

  var deadline: Instant? { duplicateActive?.silentAt }

  /// An advertisement of a worse Active came; `isPredecessor` while it may be its answer to our taking over.
  mutating func heard(
    _ advertisement: Advertisement, from address: IPAddress, isPredecessor: Bool, at now: Instant
  ) -> RouterNote? {
    // Three intervals of silence end it, as they end an Active.
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

  mutating func forget() { self = ConflictDetector() }

  /// Whether a line may be written again, which then counts as written.
  private static func isDue(_ last: inout Instant?, at now: Instant) -> Bool {
    if let last, now - last < VirtualRouter.Pace.duplicateReminder { return false }
    last = now
    return true
  }
}
