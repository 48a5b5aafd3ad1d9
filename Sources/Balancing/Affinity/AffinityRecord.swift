import Wire

/// What a table remembers of one client, apart from the table and from its clock.
public struct AffinityRecord: Hashable, Sendable {
  public let client: ClientKey
  public let server: ServerID
  /// How long ago the client was last active; zero with an open session.
  public let silence: Interval
}

extension AffinityTable {
  /// Takes over what was remembered, `records` in any order, all of it so much longer ago. What is over by now is left
  /// out, and of more than the capacity the latest are kept. For a table that was not used yet.
  public mutating func restore(_ records: [AffinityRecord], elapsed: Interval, at now: Instant) {
    for record in records.sorted(by: { $0.silence > $1.silence }) {
      let (age, overflow) = record.silence.nanoseconds.addingReportingOverflow(elapsed.nanoseconds)
      guard !overflow, age < hold.nanoseconds else { continue }
      assign(record.client, to: record.server, at: now.before(Interval(nanoseconds: age)))
    }
  }
}

extension Instant {
  /// The instant so much earlier; the beginning of time at most.
  fileprivate func before(_ interval: Interval) -> Instant {
    Instant(nanoseconds: nanoseconds > interval.nanoseconds ? nanoseconds - interval.nanoseconds : 0)
  }
}
