import Wire

/// How long a worker may take for what, and how fast dead ones are replaced.
struct WorkerLimits: Equatable {
  /// From its start to its readiness. It loads certificates and binds nothing, so milliseconds are usual; the bound is
  /// for a machine that is starting up, with a sanitizer in the binary.
  var start = Interval.seconds(30)
  /// How long an event loop may take for one turn. Loops turn once a second at least; clients do not wait much longer for
  /// an answer than this.
  var stall = Interval.seconds(5)
  /// `timeouts.stop` of the configuration.
  var stop: Interval
  /// How long a process may take to end after what should end it.
  var grace = Interval.seconds(2)
  /// Deaths that are longer ago are forgotten.
  var deathWindow = Interval.seconds(30)
  /// So many deaths in the window are followed by a new worker at once: one bad request each, say.
  var quickRestarts = 3
  /// The wait after the first death above that; doubled with each further one.
  var firstDelay = Interval.milliseconds(50)
  /// The longest wait. Clients wait in the listeners' queues meanwhile, and give up after a few seconds.
  var longestDelay = Interval.seconds(1)

  init(stop: Interval) { self.stop = stop }

  /// How long to wait after so many deaths in the window; nil: not at all.
  func delay(afterDeaths count: Int) -> Interval? {
    guard count > quickRestarts else { return nil }
    let doublings = UInt64(min(count - quickRestarts - 1, 20))
    return min(Interval(nanoseconds: firstDelay.nanoseconds << doublings), longestDelay)
  }
}
