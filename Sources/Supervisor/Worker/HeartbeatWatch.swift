import Wire

/// Notices an event loop that has stopped turning.
///
/// Silence is only counted while it is watched: a supervisor that did not run itself (a stopped or suspended machine)
/// must not take its own absence for the worker's.
struct HeartbeatWatch {
  /// How often to observe.
  static let period = Interval.milliseconds(500)

  private struct Loop {
    var turns: UInt64
    /// For how long the count has been watched without a change.
    var silence = Interval.zero
  }

  private let bound: Interval
  private var loops: [Loop]
  private var observed: Instant

  /// Begins with these counts. A loop is stalled when its count stays for `bound`.
  init(turns: [UInt64], bound: Interval, at now: Instant) {
    loops = turns.map { Loop(turns: $0) }
    self.bound = bound
    observed = now
  }

  var loopCount: Int { loops.count }

  /// Takes new counts, one for each loop, and returns the first loop that is stalled.
  mutating func observe(_ turns: [UInt64], at now: Instant) -> Int? {
    let passed = min(now - observed, Interval(nanoseconds: 2 * Self.period.nanoseconds))
    observed = now
    for index in loops.indices {
      if turns[index] == loops[index].turns {
        loops[index].silence = Interval(nanoseconds: loops[index].silence.nanoseconds + passed.nanoseconds)
      } else {
        loops[index] = Loop(turns: turns[index])
      }
    }
    return loops.firstIndex { $0.silence >= bound }
  }
}
