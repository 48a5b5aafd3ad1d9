/// How an exchange ended, as the two letters of HAProxy's termination state: the cause, and the phase.
public struct Termination: Hashable, Sendable {
  /// The first letter.
  public enum Cause: UInt8, Sendable {
    case normal = 0x2d  // -
    /// The client aborted.
    case client = 0x43  // C
    /// The server closed or refused the connection.
    case server = 0x53  // S
    /// The proxy rejected the request: an invalid message, a limit, no server.
    case proxy = 0x50  // P
    /// A resource was exhausted.
    case resource = 0x52  // R
    /// The server was declared down, and its exchanges were terminated.
    case down = 0x44  // D
    /// The worker stopped during the exchange.
    case killed = 0x4b  // K
    /// A client timeout.
    case clientTimeout = 0x63  // c
    /// A server timeout.
    case serverTimeout = 0x73  // s
    /// The proxy responded itself: a redirect, or the page of a service in maintenance.
    case local = 0x4c  // L
  }

  /// The second letter.
  public enum Phase: UInt8, Sendable {
    case normal = 0x2d  // -
    /// Waiting for a complete request head.
    case request = 0x52  // R
    case queue = 0x51  // Q
    case connect = 0x43  // C
    /// Waiting for a complete response head.
    case headers = 0x48  // H
    case data = 0x44  // D
  }

  public var cause = Cause.normal
  public var phase = Phase.normal

  /// The service is in maintenance.
  static var maintenance: Termination { Termination(.local, .request) }

  public init(_ cause: Cause = .normal, _ phase: Phase = .normal) {
    self.cause = cause
    self.phase = phase
  }
}
