import Wire

/// Schedules the health checks of one server. Each check has its own timeout.
///
/// Checks run one after the other while the server is healthy. While its state is uncertain they start at shorter
/// intervals and overlap, so that detection takes one timeout and not `fall` of them.
public struct CheckSchedule: Sendable {
  /// How often a server is checked.
  public struct Pace: Hashable, Sendable {
    /// From the start of one check to the start of the next.
    public var interval: Interval
    /// The interval while the state is uncertain: a dead server under traffic is down after the first check and `fall −
    /// 1` of these, half a second.
    public var fastInterval: Interval
    /// The interval until the server has accepted clients once: a starting service needs every server soon.
    public var startInterval: Interval
    /// The interval varies randomly by up to this, so that checks of many servers do not synchronise.
    public var jitter: Interval
    /// The most simultaneous checks, at least 1.
    public var overlap: Int

    /// Limits `fastInterval`, `startInterval` and `jitter` to `interval`.
    public init(interval: Interval, jitter: Interval, overlap: Int) {
      self.interval = interval
      fastInterval = min(.milliseconds(250), interval)
      startInterval = min(.seconds(1), interval)
      self.jitter = min(jitter, interval)
      self.overlap = overlap
    }
  }

  /// The state of the server, as far as it affects the schedule.
  public enum Urgency: Sendable {
    /// It accepts clients.
    case calm
    /// The next results may change its state.
    case doubt
    /// It accepts no clients, but has done so before.
    case down
    /// It has not accepted clients yet.
    case starting
  }

  /// How long a check of a healthy server may run before another starts. A healthy server answers within a few
  /// milliseconds; a slow one is checked a little more often, and each check keeps its full timeout.
  public static let overlapDelay = Interval.milliseconds(500)
  /// The minimum interval of checks triggered by slow responses.
  private static let slowAnswerInterval = Interval.seconds(1)

  public var pace: Pace
  private var next: Instant
  /// When the latest check started; nil before the first.
  private var latest: Instant?
  private var running = 0
  private var urgency = Urgency.doubt
  /// When live traffic last gave reason for suspicion; nil once a check that started later has passed.
  private var suspected: Instant?

  /// The first check is due at once.
  public init(pace: Pace, startingAt now: Instant) {
    self.pace = pace
    next = now
  }

  /// When the next check is due; never while the maximum number is running.
  public var due: Instant { running < max(1, pace.overlap) ? next : .distantFuture }

  /// Records the start of a check.
  public mutating func began(at now: Instant) {
    next =
      switch urgency {
      case .calm: now + (running > 0 ? pace.fastInterval : CheckSchedule.overlapDelay)
      case .doubt: now + pace.fastInterval
      case .down, .starting: .distantFuture
      }
    running += 1
    latest = now
  }

  /// Records the end of the check that started at `began`. `urgency` is the tracker's after the result; `random` is any
  /// number and selects the jitter.
  public mutating func ended(_ began: Instant, at now: Instant, urgency wanted: Urgency, random: UInt64) {
    guard running > 0, let latest else { return }
    running -= 1
    if let suspected, began >= suspected { self.suspected = nil }
    urgency = suspected == nil ? wanted : .doubt
    let distance =
      switch urgency {
      case .calm, .down: jitteredInterval(random)
      case .starting: pace.startInterval
      case .doubt: pace.fastInterval
      }
    next = max(latest + distance, now)
  }

  /// Records that a running check was given up, because one that started later was answered: a server that hangs again
  /// is checked as often as before.
  public mutating func gaveUp() { if running > 0 { running -= 1 } }

  /// Live traffic indicates that the server may be dead: the next check starts as soon as the fast interval allows.
  public mutating func suspect(at now: Instant) {
    guard let latest else { return }
    suspected = now
    urgency = .doubt
    next = min(next, max(now, latest + pace.fastInterval))
  }

  /// A response to live traffic is slow, as from a busy server: a check is due, but not one for each response. It may be
  /// the only sign that the server hangs, because a request gives it once.
  public mutating func answerIsSlow(at now: Instant) {
    guard let latest else { return }
    next = min(next, max(now, latest + CheckSchedule.slowAnswerInterval))
  }

  private func jitteredInterval(_ random: UInt64) -> Interval {
    let width = pace.jitter.nanoseconds.addingReportingOverflow(pace.jitter.nanoseconds)
    let offset = random.multipliedFullWidth(by: width.overflow ? .max : width.partialValue).high
    return Interval(nanoseconds: pace.interval.nanoseconds - pace.jitter.nanoseconds + offset)
  }
}
