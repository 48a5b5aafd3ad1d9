/// Why and when an exchange ended, in the two letters of HAProxy's log: who caused it, and what was going on.
public struct Termination: Hashable, Sendable {
  /// The first letter.
  public enum Cause: UInt8, Sendable {
    case normal = 0x2d  // -
    /// The client aborted.
    case client = 0x43  // C
    /// The server aborted or refused.
    case server = 0x53  // S
    /// We refused: a malformed message, a limit, no server.
    case proxy = 0x50  // P
    /// A resource ran out.
    case resource = 0x52  // R
    /// The server was declared down, and its exchanges were ended.
    case down = 0x44  // D
    /// We stopped while the exchange ran.
    case killed = 0x4b  // K
    /// The client's time-out ended it.
    case clientTimeout = 0x63  // c
    /// The server's time-out ended it.
    case serverTimeout = 0x73  // s
    /// We answered by ourselves: a redirect.
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

  public init(_ cause: Cause = .normal, _ phase: Phase = .normal) {
    self.cause = cause
    self.phase = phase
  }
}
