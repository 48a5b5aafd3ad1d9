import HTTP1
import Wire

/// What a generation's configuration lays down for its exchanges.
public struct ExchangePolicy: Sendable {
  public var limits = HeadLimits()
  public var timeouts = Timeouts()
  /// Further attempts after the first.
  public var retries = 3
  /// Requests answered on one client connection before it is closed; nil for no bound.
  public var requestsPerConnection: Int?

  public init() {}

  public struct Timeouts: Sendable {
    public var tlsHandshake = Interval.seconds(5)
    /// A request head must be complete this long after its first byte, the first on a connection after the accept.
    public var httpRequest = Interval.seconds(10)
    /// Silence between two requests.
    public var keepAlive = Interval.seconds(10)
    public var queue = Interval.minutes(1)
    /// TCP and TLS to the server.
    public var connect = Interval.seconds(10)
    /// The same for all attempts of one exchange together, pauses for want of something on this machine among them.
    public var connectTotal = Interval.seconds(15)
    /// Silence of a client that should send or take bytes.
    public var client = Interval.minutes(1)
    /// Silence of a server that should send or take bytes.
    public var server = Interval.minutes(1)
    /// Silence in both directions of an upgraded connection or a two-way stream.
    public var tunnel = Interval.hours(12)

    public init() {}

    /// How long a client may be silent before it begins a request.
    public func idle(isFirst: Bool) -> Interval { isFirst ? httpRequest : keepAlive }

    /// The shortest silence that can matter while bytes flow.
    var shortestSilence: Interval { min(client, server) }
  }
}
