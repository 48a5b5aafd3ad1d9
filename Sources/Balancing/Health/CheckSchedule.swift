import Wire

/// When the health checks of one server begin. Each is given up at a time-out of its own.
///
/// One after the other while all is well. While the server's state is in doubt they begin close together and overlap, so
/// that finding out takes one time-out and not `fall` of them.
public struct CheckSchedule: Sendable {
  /// How often a server is checked.
  public struct Pace: Hashable, Sendable {
    /// From the beginning of one check to that of the next.
    public var interval: Interval
    /// The same while the state is in doubt: a dead server under traffic is down after the first check and `fall − 1` of
    /// these, about a second.
    public var fastInterval: Interval
    /// The same until the server has taken clients once: a service that starts needs every server soon.
    public var startInterval: Interval
    /// An interval is longer or shorter by a random time up to this, so that many checks do not keep in step.
    public var jitter: Interval
    /// Checks under way at once, at least 1.
    public var overlap: Int

    /// No interval is longer than `interval`, nor is `jitter`.
    public init(interval: Interval, jitter: Interval, overlap: Int) {
      self.interval = interval
      fastInterval = min(.milliseconds(400), interval)
      startInterval = min(.seconds(1), interval)
      self.jitter = min(jitter, interval)
      self.overlap = overlap
    }
  }

  /// What is known of the server, as far as checks go by it.
  public enum Urgency: Sendable {
    /// It takes clients.
    case calm
    /// Its state may change with the next results.
    case doubt
    /// It takes nobody, and has done so before.
    case down
    /// It has taken nobody yet.
    case starting
  }

  /// A check of a server that takes clients is followed by another when it has no result by then. A healthy server answers
  /// within a few milliseconds; a busy one that does not is asked a little more often and keeps its whole time-out.
  public static let patience = Interval.milliseconds(500)
  /// The least distance of checks that slow answers bring.
  private static let slowAnswerInterval = Interval.seconds(1)

  public var pace: Pace
  private var next: Instant
  /// When the check that began last did; nil before the first.
  private var latest: Instant?
  private var running = 0
  private var urgency = Urgency.doubt
  /// When live traffic gave cause for doubt; nil once a check that began later was passed.
  private var suspected: Instant?

  /// The first check is due at once.
  public init(pace: Pace, startingAt now: Instant) {
    self.pace = pace
    next = now
  }

  /// When the next check begins; never while as many as may overlap are under way.
  public var due: Instant { running < max(1, pace.overlap) ? next : .distantFuture }

  /// A check begins.
  public mutating func began(at now: Instant) {
    next =
      switch urgency {
      case .calm: now + (running > 0 ? pace.fastInterval : CheckSchedule.patience)
      case .doubt: now + pace.fastInterval
      case .down, .starting: .distantFuture
      }
    running += 1
    latest = now
  }

  /// A check that began then is over. `urgency` is the tracker's, after the result; `random` is any number and places the
  /// next check within the jitter.
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

  /// Traffic met what may mean a dead server: the next check comes as soon as the fast interval allows.
  public mutating func suspect(at now: Instant) {
    guard let latest else { return }
    suspected = now
    urgency = .doubt
    next = min(next, max(now, latest + pace.fastInterval))
  }

  /// Traffic met an answer that is slow to come, as a busy server's are: one check is due, but not one for each.
  public mutating func answerIsSlow(at now: Instant) {
    guard let latest, now - latest >= CheckSchedule.slowAnswerInterval else { return }
    next = min(next, now)
  }

  private func jitteredInterval(_ random: UInt64) -> Interval {
    let width = pace.jitter.nanoseconds.addingReportingOverflow(pace.jitter.nanoseconds)
    let offset = random.multipliedFullWidth(by: width.overflow ? .max : width.partialValue).high
    return Interval(nanoseconds: pace.interval.nanoseconds - pace.jitter.nanoseconds + offset)
  }
}
