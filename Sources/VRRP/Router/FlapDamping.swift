import Wire

/// Bounds how often a Backup becomes Active because of what others send. A host that can send unsigned advertisements may
/// alternate 200 and 0, or 200 with the shortest interval and silence, and have the node take the addresses and give
/// them up dozens of times a second: hooks, mail, log lines and reset connections each time.
///
/// A leaky bucket: so many times in quick succession cost nothing, and each is forgotten after a while. Above that a
/// Backup waits for at least its own Active_Down_Interval, and a second, whatever the Active said. Two honest nodes never
/// get there: each take-over of theirs is a start, a command or a fault.
struct FlapDamping: Hashable {
  /// Take-overs in quick succession.
  static let allowance: UInt64 = 16
  /// After that one of them is forgotten.
  static let memory = Interval.seconds(5)
  /// The least wait of a node that is damped.
  static let leastWait = Interval.seconds(1)

  private var forgottenAt: Instant?

  /// The node has become Active.
  mutating func becameActive(at now: Instant) {
    let later = max(forgottenAt ?? now, now) + Self.memory
    let latest = now + Interval(nanoseconds: (Self.allowance + 1) * Self.memory.nanoseconds)
    forgottenAt = min(later, latest)
  }

  /// Whether the allowance is used up.
  func isDamping(at now: Instant) -> Bool {
    let full = now + Interval(nanoseconds: Self.allowance * Self.memory.nanoseconds)
    return forgottenAt.map { $0 > full } ?? false
  }
}
