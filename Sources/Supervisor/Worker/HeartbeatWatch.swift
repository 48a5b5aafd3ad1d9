import Wire

/// Detects an event loop that has stopped turning.
///
/// Only observed time counts: after a pause of the supervisor itself (a stopped or suspended machine), the pause must
/// not count as the worker's.
struct HeartbeatWatch {
  /// The interval between observations.
  static let period = Interval.milliseconds(500)

  private struct Loop {
    var turns: UInt64
    /// How long the count has been observed unchanged.
    var silence = Interval.zero
  }

  private let bound: Interval
  private var loops: [Loop]
  private var observed: Instant

  /// Starts with these counts. A loop is stalled when its count is unchanged for `bound`.
  init(turns: [UInt64], bound: Interval, at now: Instant) {
    loops = turns.map { Loop(turns: $0) }
    self.bound = bound
    observed = now
  }

  var loopCount: Int { loops.count }

  /// Takes the current counts, one for each loop, and returns the first stalled loop.
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
