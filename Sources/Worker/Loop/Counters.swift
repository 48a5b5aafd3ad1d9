/// What a loop has counted since it started. Plain numbers of one thread; the loop publishes them once a second.
struct Counters: Sendable {
  var connections: UInt64 = 0
  var handshakes: UInt64 = 0
  var failedHandshakes: UInt64 = 0
  var requests: UInt64 = 0
  /// Requests that were malformed or beyond a limit.
  var refusedRequests: UInt64 = 0
  /// Requests for which no server was to be had.
  var unroutable: UInt64 = 0
  /// Connections closed because of a limit: most of them at once, some for what came on them.
  var refusedConnections: UInt64 = 0
}

extension Counters {
  static func + (left: Counters, right: Counters) -> Counters {
    Counters(
      connections: left.connections + right.connections, handshakes: left.handshakes + right.handshakes,
      failedHandshakes: left.failedHandshakes + right.failedHandshakes, requests: left.requests + right.requests,
      refusedRequests: left.refusedRequests + right.refusedRequests, unroutable: left.unroutable + right.unroutable,
      refusedConnections: left.refusedConnections + right.refusedConnections)
  }
}
