import Wire

/// How often the addresses are announced against another node that contests them: a few times in quick succession, then at
/// distances that double from a second to a minute; anew when none has contested them for a minute.
///
/// Two that answer each other's announcements without end move every connection each time. RFC 5227 §2.4 has a host
/// defend its address once in ten seconds; here the first answers come sooner, for the one that is to stop hears them,
/// and the later ones more seldom.
struct Defence: Hashable {
  /// Between the first answers. Well within `Pace.yieldGrace`: when the other Active's addresses go, every host knows ours.
  static let quickDistance = Interval.milliseconds(20)
  static let slowest = Interval.minutes(1)

  /// How many answers come in quick succession.
  let quick: Int
  private var answers = 0
  private var answeredAt: Instant?
  private var contestedAt: Instant?

  init(quick: Int) { self.quick = quick }

  /// The addresses have just been announced for another reason.
  mutating func announced(at now: Instant) { answeredAt = now }

  /// Another node contests the addresses: whether that is to be answered now.
  mutating func mayAnswer(at now: Instant) -> Bool {
    if let contestedAt, now - contestedAt >= Self.slowest { answers = 0 }
    contestedAt = now
    if let answeredAt, now < answeredAt + distance { return false }
    // Further than that the distance does not grow.
    answers = min(answers + 1, quick + 8)
    answeredAt = now
    return true
  }

  /// When an answer that was not given now may follow soon; nil when not soon.
  var soon: Instant? { answers < quick ? answeredAt.map { $0 + distance } : nil }

  private var distance: Interval {
    guard quick == 0 || answers > quick else { return Self.quickDistance }
    return min(.seconds(1 << UInt64(max(0, answers - max(quick, 1)))), Self.slowest)
  }
}
