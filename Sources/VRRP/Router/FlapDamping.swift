import Wire

/// Limits how often a Backup becomes Active because of other nodes' advertisements. A host that can send unsigned
/// advertisements may alternate priority 200 and 0, or priority 200 with the shortest interval and silence. The node
/// would then take over and release the addresses dozens of times a second: hooks, mail, log lines and reset
/// connections each time.
///
/// A leaky bucket: the first take-overs in quick succession are not delayed, and each leaks after a while. Above that,
/// a Backup waits for at least its own Active_Down_Interval and one second, whatever the Active advertised. Two regular
/// nodes do not reach the limit: each of their take-overs follows a start, a command or a fault.
struct FlapDamping: Hashable {
  /// The number of take-overs in quick succession that are not delayed.
  static let allowance: UInt64 = 16
  /// After this time one take-over leaks.
  static let memory = Interval.seconds(5)
  /// The shortest wait of a damped node.
  static let leastWait = Interval.seconds(1)

  private var forgottenAt: Instant?

  /// Counts a take-over.
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
