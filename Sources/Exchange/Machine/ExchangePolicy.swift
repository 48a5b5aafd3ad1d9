import Domain
import HTTP1
import Wire

/// What a configuration lays down for its exchanges.
public struct ExchangePolicy: Sendable {
  public var limits = HeadLimits()
  public var timeouts = Timeouts()
  /// Further attempts after the first.
  public var retries = 3
  /// Requests answered on one client connection before it is closed; nil for no bound.
  public var requestsPerConnection: Int?

  public init() {}
}

extension Timeouts {
  /// How long a client may be silent before it begins a request.
  public func idle(isFirst: Bool) -> Interval { isFirst ? httpRequest : keepAlive }

  /// The shortest silence that can matter while bytes flow.
  var shortestSilence: Interval { min(client, server) }
}
