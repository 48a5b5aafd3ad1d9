import Wire

/// When the node that dials does so again.
package struct Redial: Sendable {
  private static let first = Interval.milliseconds(250)
  /// Shorter than a starting node waits for the tables of the others, with the time of an attempt.
  private static let longest = Interval.seconds(1)

  private var next = Redial.first

  /// The first attempt is made at once.
  package init() {}

  /// Of two nodes, the one whose name sorts later dials.
  package static func isDialer(_ node: String, of peer: String) -> Bool { node > peer }

  /// The pause after an attempt that failed or a connection that ended: longer each time, and up to a quarter longer or
  /// shorter by chance.
  package mutating func pause(random: UInt64) -> Interval {
    let pause = next
    next = min(Interval(nanoseconds: next.nanoseconds * 2), Self.longest)
    return Interval(nanoseconds: pause.nanoseconds / 100 * (75 + random % 51))
  }

  /// The link has joined: the next pause is the first again.
  package mutating func joined() { next = Self.first }
}
