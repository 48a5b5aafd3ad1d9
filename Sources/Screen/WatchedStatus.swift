import Control
import Wire

/// The last report, what was seen before it, and why there is no newer one.
struct WatchedStatus {
  /// Of plots: ten minutes with the most values.
  static let step = Interval.seconds(5)
  /// A report that is older is called old: there is one each second.
  private static let currentFor = Interval.seconds(4)
  /// For so long a restart of the service is shown, in seconds.
  private static let restartTime: UInt64 = 60

  private(set) var report: StatusReport?
  private(set) var history = ReportHistory(step: step)
  private(set) var pace = ServerPace()
  /// Why the service has not answered since the last report.
  var fault: String?
  private var received = Instant(nanoseconds: 0)
  private var hasRestarted = false

  mutating func update(_ report: StatusReport, at now: Instant) {
    if let last = self.report, last.since != report.since || last.pid != report.pid {
      hasRestarted = true
      pace = ServerPace()
    }
    (self.report, received, fault) = (report, now, nil)
    _ = history.note(report, at: now)
    pace.note(report)
  }

  /// The age of the report.
  func age(at now: Instant) -> Age { Age((now - received).milliseconds / 1000) }

  /// That what is shown is old, and why.
  func notice(at now: Instant) -> String? {
    guard report != nil else { return fault }
    if let fault { return "What is shown is \(age(at: now)) old: \(fault)" }
    return now - received > Self.currentFor ? "What is shown is \(age(at: now)) old: the service does not answer" : nil
  }

  /// That the service was restarted while it was watched.
  var restart: String? {
    guard hasRestarted, fault == nil, let report else { return nil }
    let seconds = report.time.seconds(since: report.since)
    return seconds < Self.restartTime ? "the service was restarted \(Age(seconds)) ago; its counters began at 0" : nil
  }
}
