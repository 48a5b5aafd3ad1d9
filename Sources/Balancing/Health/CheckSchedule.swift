import Wire

/// When a server's next health check begins, and when the one under way is given up. Call `began` and `ended` in turn;
/// `deadline` is when there is something to do.
public struct CheckSchedule: Sendable {
  public struct Pace: Hashable, Sendable {
    /// From the beginning of one check to that of the next.
    public var interval: Interval
    /// The same while the server's state is in doubt, and the least distance after a live failure: a dead server under
    /// traffic is down after the first check and `fall − 1` of these, about a second.
    public var fastInterval: Interval
    /// In which a check must be complete.
    public var timeout: Interval
    /// An interval is longer or shorter by a random time up to this, so that many checks do not keep in step.
    public var jitter: Interval

    public init(
      interval: Interval, timeout: Interval, jitter: Interval, fastInterval: Interval = .milliseconds(400)
    ) {
      self.interval = interval
      self.fastInterval = min(fastInterval, interval)
      self.timeout = timeout
      self.jitter = min(jitter, interval)
    }
  }

  private enum Phase: Sendable {
    /// `last` is when the check before it began; nil before the first.
    case waiting(next: Instant, last: Instant?)
    case running(began: Instant, isAgainSoon: Bool)
  }

  public var pace: Pace
  private var phase: Phase

  /// The first check is due at once.
  public init(pace: Pace, startingAt now: Instant) {
    self.pace = pace
    phase = .waiting(next: now, last: nil)
  }

  /// Whether a check is under way.
  public var isRunning: Bool {
    if case .running = phase { true } else { false }
  }

  /// While waiting: when to begin the next check. While one runs: when to give it up as timed out.
  public var deadline: Instant {
    switch phase {
    case .waiting(let next, _): next
    case .running(let began, _): began + pace.timeout
    }
  }

  /// A check begins.
  public mutating func began(at now: Instant) {
    phase = .running(began: now, isAgainSoon: false)
  }

  /// The check under way is over. `isInDoubt` is the tracker's, after the result; `random` is any number and places the
  /// next check within the jitter.
  public mutating func ended(at now: Instant, isInDoubt: Bool, random: UInt64) {
    guard case .running(let began, let isAgainSoon) = phase else { return }
    let distance = isInDoubt || isAgainSoon ? pace.fastInterval : jitteredInterval(random)
    phase = .waiting(next: max(began + distance, now), last: began)
  }

  /// Traffic met an error that may mean a dead server: the next check comes as soon as the fast interval allows.
  public mutating func liveFailure(at now: Instant) {
    switch phase {
    case .waiting(let next, let last?):
      phase = .waiting(next: min(next, max(now, last + pace.fastInterval)), last: last)
    case .waiting(_, nil):
      break
    case .running(let began, _):
      phase = .running(began: began, isAgainSoon: true)
    }
  }

  private func jitteredInterval(_ random: UInt64) -> Interval {
    let width = pace.jitter.nanoseconds.addingReportingOverflow(pace.jitter.nanoseconds)
    let offset = random.multipliedFullWidth(by: width.overflow ? .max : width.partialValue).high
    return Interval(nanoseconds: pace.interval.nanoseconds - pace.jitter.nanoseconds + offset)
  }
}
