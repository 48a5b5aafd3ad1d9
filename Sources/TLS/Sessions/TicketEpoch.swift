import Wire

/// The interval of wall-clock time in which a key seals tickets, counted from 1970, so that it is the same on all nodes
/// of a pair.
struct TicketEpoch: Equatable {
  let number: UInt64

  init(at time: WallTime, interval: Interval) {
    precondition(interval > .zero)
    number = time.nanoseconds / interval.nanoseconds
  }

  /// The epochs whose keys open tickets, the one that seals first: the last one, and the next one, because the clock of
  /// another node may be ahead.
  var opening: [UInt64] { [number, number &- 1, number &+ 1] }
}
