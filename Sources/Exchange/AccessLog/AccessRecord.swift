import Wire

/// What is logged about one exchange: its timestamps, byte counts and termination.
public struct AccessRecord: Sendable {
  /// When the first byte of the request was received.
  public var began: Instant?
  /// When the request head was complete.
  public var headRead: Instant?
  /// When a slot at a server was assigned.
  public var dequeued: Instant?
  /// When the connection to the server was established, including TLS.
  public var connected: Instant?
  /// When the head of the final response was complete.
  public var answered: Instant?
  /// The status of the final response; zero until there is one.
  public var status: UInt16 = 0
  /// Bytes sent to the client, including heads and framing.
  public var bytesToClient: UInt64 = 0
  /// Bytes received from the client, including heads and framing.
  public var bytesFromClient: UInt64 = 0
  /// Number of connection retries.
  public var retries = 0
  /// Whether the exchange was redispatched to another server than the first chosen.
  public var redispatched = false
  /// Whether the request waited in a server's queue.
  public var queued = false
  public var termination = Termination()

  /// Nothing noted yet.
  public init() {}

  /// HAProxy's five timers: TR (request head), Tw (queue), Tc (connect), Tr (response head) and Ta (total).
  public struct Timers: Hashable, Sendable {
    /// Milliseconds; nil when the phase was not reached, which the log prints as -1.
    public var request: UInt64?
    public var wait: UInt64?
    public var connect: UInt64?
    public var response: UInt64?
    public var active: UInt64
  }

  /// The timers of an exchange that ends at `end`.
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
