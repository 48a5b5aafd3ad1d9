import Wire

/// When a client was assigned to its server, by the clock that the nodes of a pair share: nanoseconds since about 1970.
public struct AssignmentTime: Hashable, Comparable, Sendable {
  public let nanoseconds: UInt64

  /// Any number comes from outside.
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func < (left: AssignmentTime, right: AssignmentTime) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The first time after this one; the last time is its own.
  var next: AssignmentTime { AssignmentTime(nanoseconds: max(nanoseconds, nanoseconds &+ 1)) }
}

/// The clock by which the nodes of a pair order their assignments. It starts with the node's wall clock, runs with its
/// monotonic clock, and is put forward to that of another node which is ahead: from then on what one node does after it
/// has heard of the other is later, however wrong their wall clocks are.
public struct AssignmentClock: Sendable {
  /// How far it is ahead of the monotonic clock. It never shrinks.
  private var lead: Interval

  /// A clock that shows `wall` at `now`.
  public init(_ wall: WallTime, at now: Instant) { lead = Instant(nanoseconds: wall.nanoseconds) - now }

  /// What it shows.
  public func time(at now: Instant) -> AssignmentTime { AssignmentTime(nanoseconds: (now + lead).nanoseconds) }

  /// Puts it forward to what another node's clock shows, or showed a while ago.
  public mutating func advance(to time: AssignmentTime, at now: Instant) {
    lead = max(lead, Instant(nanoseconds: time.nanoseconds) - now)
  }

  /// When it showed this time; a time that is still to come counts as `now`.
  public func instant(of time: AssignmentTime, at now: Instant) -> Instant {
    now - ((now + lead) - Instant(nanoseconds: time.nanoseconds))
  }
}
