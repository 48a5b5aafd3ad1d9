import Wire

/// What the access log says of one exchange: its instants, its bytes, and how it ended.
public struct AccessRecord: Sendable {
  /// The first byte of the request came.
  public var began: Instant?
  /// The head was complete.
  public var headRead: Instant?
  /// A place at a server was free.
  public var dequeued: Instant?
  /// The connection to the server stood, TLS included.
  public var connected: Instant?
  /// The head of the final response was complete.
  public var answered: Instant?
  /// Zero while nothing was answered.
  public var status: UInt16 = 0
  /// Bytes sent to the client, head and framing included.
  public var bytesToClient: UInt64 = 0
  /// Bytes received from the client, head and framing included.
  public var bytesFromClient: UInt64 = 0
  /// How often another connection was tried.
  public var retries = 0
  /// The exchange moved to another server than the first chosen.
  public var redispatched = false
  /// It had to wait for a place at a server.
  public var queued = false
  public var termination = Termination()

  /// HAProxy's five timers: TR (request head), Tw (queue), Tc (connect), Tr (response head) and Ta (all of it).
  public struct Timers: Hashable, Sendable {
    /// Milliseconds; nil when the phase was not reached, which the log prints as -1.
    public var request: UInt64?
    public var wait: UInt64?
    public var connect: UInt64?
    public var response: UInt64?
    public var active: UInt64
  }

  /// The timers of an exchange that has ended now.
  public func timers(at end: Instant) -> Timers {
    func between(_ from: Instant?, _ to: Instant?) -> UInt64? {
      guard let from, let to else { return nil }
      return (to - from).milliseconds
    }
    return Timers(
      request: between(began, headRead), wait: between(headRead, dequeued), connect: between(dequeued, connected),
      response: between(connected, answered), active: between(began, end) ?? 0)
  }
}
