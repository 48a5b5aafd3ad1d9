import Configuration
import Wire

/// When a tracked script runs, and how its results are evaluated. Pure: time is a parameter.
struct ScriptSchedule {
  let router: Int
  /// The index in the virtual router's `tracks`.
  let track: Int
  let program: Program
  private let interval: Interval
  private let fall: Int
  private var nextRun: Instant
  private var isRunning = false
  private var failures = 0
  private var isKnown = false

  /// The first run is due at once. Nil unless the subject is a script.
  init?(_ subject: Configuration.VirtualRouter.Track.Subject, router: Int, track: Int, at now: Instant) {
    guard case .script(let path, let interval, let timeout, let fall) = subject else { return nil }
    self.router = router
    self.track = track
    program = Program(path: path, timeout: timeout)
    self.interval = interval
    self.fall = fall
    nextRun = now
  }

  /// When `isDue` may be true next.
  var deadline: Instant? { isRunning ? nil : nextRun }

  /// Whether a run is due; the script then counts as running.
  mutating func isDue(at now: Instant) -> Bool {
    guard !isRunning, now >= nextRun else { return false }
    isRunning = true
    let next = nextRun + interval
    nextRun = next > now ? next : now + interval
    return true
  }

  /// Handles the result of a run and returns the condition to report, if any: after the first run at once, later after
  /// `fall` failures in a row.
  mutating func note(isSuccess: Bool) -> Bool? {
    isRunning = false
    failures = isSuccess ? 0 : failures + 1
    guard isSuccess || failures >= fall || !isKnown else { return nil }
    isKnown = true
    return isSuccess
  }
}
