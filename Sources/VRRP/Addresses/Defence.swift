import Wire

/// Limits how often the addresses are announced against another node that contests them: a few times in quick
/// succession, then at distances that double from one second to one minute. The count restarts when the addresses have
/// not been contested for a minute.
///
/// Two nodes that answer each other's announcements without limit move every connection each time. RFC 5227 §2.4 lets a
/// host defend its address once in ten seconds. Here the first answers are quicker, because they make the other node
/// stop, and the later ones are slower.
struct Defence: Hashable {
  /// The time between the first answers. Well within `Pace.yieldGrace`: all hosts know our address before the other
  /// Active removes its own.
  static let quickDistance = Interval.milliseconds(20)
  static let slowest = Interval.minutes(1)

  /// The number of answers in quick succession.
  let quick: Int
  private var answers = 0
  private var answeredAt: Instant?
  private var contestedAt: Instant?

  init(quick: Int) { self.quick = quick }

  /// Records that the addresses were announced for another reason.
  mutating func announced(at now: Instant) { answeredAt = now }

  /// Whether to answer a node that contests the addresses now.
  mutating func mayAnswer(at now: Instant) -> Bool {
    if let contestedAt, now - contestedAt >= Self.slowest { answers = 0 }
    contestedAt = now
    if let answeredAt, now < answeredAt + distance { return false }
    // The count has an upper bound: the distance does not grow further.
    answers = min(answers + 1, quick + 8)
    answeredAt = now
    return true
  }

  /// When the next quick answer may be sent; nil when the quick answers are used up.
  var soon: Instant? { answers < quick ? answeredAt.map { $0 + distance } : nil }

  private var distance: Interval {
    guard quick == 0 || answers > quick else { return Self.quickDistance }
    return min(.seconds(1 << UInt64(max(0, answers - max(quick, 1)))), Self.slowest)
  }
}

/// The limits on announcing the addresses. They outlast the role of Active, so that a node that often becomes Active
/// announces no more.
struct Defences: Hashable {
  /// Against a worse Active.
  var conflict = Defence(quick: 3)
  /// Against a host that claims the addresses.
  var claim = Defence(quick: 0)
  /// To a host that probes for the addresses.
  var probe = Defence(quick: 3)
}
