import Wire

/// What the access log says of one exchange: its instants, its bytes, and how it ended.
package struct AccessRecord: Sendable {
  /// The first byte of the request came.
  package var began: Instant?
  /// The head was complete.
  package var headRead: Instant?
  /// A place at a server was free.
  package var dequeued: Instant?
  /// The connection to the server stood, TLS included.
  package var connected: Instant?
  /// The head of the final response was complete.
  package var answered: Instant?
  /// Zero while nothing was answered.
  package var status: UInt16 = 0
  /// Bytes sent to the client, head and framing included.
  package var bytesToClient: UInt64 = 0
  /// Bytes received from the client, head and framing included.
  package var bytesFromClient: UInt64 = 0
  /// How often another connection was tried.
  package var retries = 0
  /// The exchange moved to another server than the first chosen.
  package var redispatched = false
  package var queued = false
  package var termination = Termination()

  package init() {}

  /// HAProxy's five timers: TR (request head), Tw (queue), Tc (connect), Tr (response head) and Ta (all of it).
  package struct Timers: Hashable, Sendable {
    /// Milliseconds; nil when the phase was not reached, which the log prints as -1.
    package var request: UInt64?
    package var wait: UInt64?
    package var connect: UInt64?
    package var response: UInt64?
    package var active: UInt64
  }

  package func timers(at end: Instant) -> Timers {
    func between(_ from: Instant?, _ to: Instant?) -> UInt64? {
      guard let from, let to else { return nil }
      return (to - from).milliseconds
    }
    return Timers(
      request: between(began, headRead), wait: between(headRead, dequeued), connect: between(dequeued, connected),
      response: between(connected, answered), active: between(began, end) ?? 0)
  }
}
