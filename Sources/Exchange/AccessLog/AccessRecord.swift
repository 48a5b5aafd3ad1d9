import Wire

/// What is logged about one exchange: its timestamps, byte counts and termination.
public struct AccessRecord: Sendable {
  /// When the first byte of the request was received.
  public private(set) var began: Instant?
  /// When the request head was complete.
  public private(set) var headRead: Instant?
  /// When a slot at a server was assigned for the first time.
  public private(set) var admitted: Instant?
  /// When the latest connection to a server was established, including TLS.
  public private(set) var connected: Instant?
  /// When the head of the final response was complete.
  public private(set) var responded: Instant?
  /// The status of the final response; zero until there is one.
  public private(set) var status: UInt16 = 0
  /// Whether that is our own: an error page or a redirect.
  public private(set) var isOwnResponse = false
  /// Bytes sent to the client, including heads and framing.
  public private(set) var bytesToClient: UInt64 = 0
  /// Bytes received from the client, including heads and framing.
  public private(set) var bytesFromClient: UInt64 = 0
  /// Number of connection retries.
  public private(set) var retries = 0
  /// Whether the exchange was redispatched to another server than the first chosen.
  public private(set) var redispatched = false
  public private(set) var termination = Termination()

  /// Whether it was retried, redispatched or answered by ourselves, or did not end normally.
  public var isUnusual: Bool { retries != 0 || redispatched || isOwnResponse || termination.cause != .normal }

  init() {}

  /// A flow of datagrams, which has no phases before its server responds.
  public init(
    flowSince began: Instant, responded: Instant?, bytesFromClient: UInt64, bytesToClient: UInt64,
    _ termination: Termination
  ) {
    (self.began, headRead, admitted, connected, self.responded) = (began, began, began, began, responded)
    (self.bytesFromClient, self.bytesToClient, self.termination) = (bytesFromClient, bytesToClient, termination)
  }

  // MARK: What happens, in this order

  mutating func began(at now: Instant) { if began == nil { began = now } }

  mutating func received(_ count: Int) { bytesFromClient += UInt64(count) }

  mutating func headRead(at now: Instant) { headRead = now }

  mutating func admitted(at now: Instant) { if admitted == nil { admitted = now } }

  mutating func connected(at now: Instant) { connected = now }

  mutating func retried() { retries += 1 }

  mutating func wentElsewhere() { redispatched = true }

  mutating func responded(_ status: UInt16, at now: Instant) { (self.status, responded) = (status, now) }

  mutating func replied(_ status: UInt16, at now: Instant) {
    responded(status, at: now)
    isOwnResponse = true
  }

  mutating func sent(_ count: Int) { bytesToClient += UInt64(count) }

  mutating func ended(_ termination: Termination) { self.termination = termination }

  // MARK: The timers

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
      request: between(began, headRead), wait: between(headRead, admitted), connect: between(admitted, connected),
      response: between(connected, responded), active: between(began, end) ?? 0)
  }
}
