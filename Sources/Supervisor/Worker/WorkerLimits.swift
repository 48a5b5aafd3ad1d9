import Wire

/// The time limits of a worker, and how fast a dead one is replaced.
struct WorkerLimits: Equatable {
  /// From start to readiness. The worker loads certificates and binds nothing, which usually takes milliseconds; the
  /// limit allows for a booting machine and a binary with a sanitizer.
  var start = Interval.seconds(30)
  /// The longest turn of an event loop. Loops turn at least once a second; clients do not wait much longer than this
  /// for an answer.
  var stall = Interval.seconds(5)
  /// `timeouts.stop` of the configuration.
  var stop: Interval
  /// How long a process may take to end after it was stopped or killed.
  var grace = Interval.seconds(2)
  /// Older deaths are not counted.
  var deathWindow = Interval.seconds(30)
  /// This many deaths in the window are followed by an immediate restart: each may be a single bad request.
  var quickRestarts = 3
  /// The delay after the first death beyond that; it doubles with each further one.
  var firstDelay = Interval.milliseconds(50)
  /// The longest delay. Clients wait in the listeners' queues and give up after a few seconds.
  var longestDelay = Interval.seconds(1)

  init(stop: Interval) { self.stop = stop }

  /// The delay after this many deaths in the window; nil: none.
  func delay(afterDeaths count: Int) -> Interval? {
    guard count > quickRestarts else { return nil }
    let doublings = UInt64(min(count - quickRestarts - 1, 20))
    return min(Interval(nanoseconds: firstDelay.nanoseconds << doublings), longestDelay)
  }
}
