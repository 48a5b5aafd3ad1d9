import Wire

/// The data of one entry, independent of the table and its clock.
public struct AffinityRecord: Hashable, Sendable {
  public let client: ClientKey
  public let server: ServerID
  /// Time since the client was last active; zero with an open session.
  public let silence: Interval
}

extension AffinityTable {
  /// Restores `records`, in any order, all of them older by `elapsed`. Expired ones are omitted, and of more than the
  /// capacity the most recent are kept. The table must be unused.
  public mutating func restore(_ records: [AffinityRecord], elapsed: Interval, at now: Instant) {
    for record in records.sorted(by: { $0.silence > $1.silence }) {
      let (age, overflow) = record.silence.nanoseconds.addingReportingOverflow(elapsed.nanoseconds)
      guard !overflow, age < hold.nanoseconds else { continue }
      assign(record.client, to: record.server, at: now.before(Interval(nanoseconds: age)))
    }
  }
}

extension Instant {
  /// The instant earlier by `interval`, at least zero.
  fileprivate func before(_ interval: Interval) -> Instant {
    Instant(nanoseconds: nanoseconds > interval.nanoseconds ? nanoseconds - interval.nanoseconds : 0)
  }
}
