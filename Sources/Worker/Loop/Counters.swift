import Domain

/// A loop's counters since its start. Used by one thread only; the loop publishes them once a second.
struct Counters: Sendable {
  var connections: UInt64 = 0
  var requests: UInt64 = 0
  var refused = RefusedCounts()
  var datagrams = DatagramCounts()

  static func + (left: Counters, right: Counters) -> Counters {
    Counters(
      connections: left.connections + right.connections, requests: left.requests + right.requests,
      refused: left.refused + right.refused, datagrams: left.datagrams + right.datagrams)
  }
}
