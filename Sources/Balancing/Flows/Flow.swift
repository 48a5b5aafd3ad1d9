import Wire

/// The datagrams between one client's endpoint and one of ours, which all go to one server.
public struct Flow: Sendable {
  /// Identifies a flow.
  public struct Key: Hashable, Sendable {
    public let client: Endpoint
    /// The address and port that the client sends to, from where it is answered.
    public let local: Endpoint

    public init(client: Endpoint, local: Endpoint) {
      self.client = client
      self.local = local
    }
  }

  /// Datagrams of one direction, and their bytes without headers.
  public struct Count: Hashable, Sendable {
    public fileprivate(set) var datagrams: UInt64 = 0
    public fileprivate(set) var bytes: UInt64 = 0

    fileprivate mutating func add(_ size: Int) {
      datagrams += 1
      bytes += UInt64(size)
    }
  }

  /// A client that has not shown that it receives what is sent to it gets this many times the bytes that it sent, as in
  /// QUIC (RFC 9000 §8.1): its address may be forged.
  static let amplification: UInt64 = 3
  /// The longest silence of such a client: as Linux's connection tracking has it for flows without an answer.
  static let unconfirmedIdle = Interval.seconds(30)

  public let key: Key
  public let began: Instant
  /// When the server's first datagram was passed on.
  public private(set) var answered: Instant?
  /// The client has sent something after that.
  public private(set) var isConfirmed = false
  /// When the client's last datagram came. What the server sends keeps no flow: its client may be gone.
  public private(set) var lastSeen: Instant
  public private(set) var fromClient = Count()
  public private(set) var toClient = Count()

  init(_ key: Key, at now: Instant) {
    self.key = key
    began = now
    lastSeen = now
  }

  mutating func received(_ size: Int, at now: Instant) {
    fromClient.add(size)
    lastSeen = max(lastSeen, now)
    isConfirmed = answered != nil
  }

  mutating func answer(_ size: Int, at now: Instant) -> Bool {
    guard isConfirmed || toClient.bytes + UInt64(size) <= Self.amplification * fromClient.bytes else { return false }
    toClient.add(size)
    if answered == nil { answered = now }
    return true
  }

  /// When it ends if the client stays silent, which it may for `idle` once it is confirmed.
  func deadline(idle: Interval) -> Instant { lastSeen + (isConfirmed ? idle : min(idle, Self.unconfirmedIdle)) }
}
