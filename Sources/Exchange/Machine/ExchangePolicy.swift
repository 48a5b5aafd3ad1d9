import Domain
import HTTP1
import Wire

/// The configured limits of exchanges.
public struct ExchangePolicy: Sendable {
  public var limits = HeadLimits()
  public var timeouts = Timeouts()
  /// Number of retries after the first attempt.
  public var retries = 3
  /// Maximum of requests on one client connection before it is closed; nil for no limit.
  public var requestsPerConnection: Int?
  /// Whether trailers are made meaningless on the way: where fields are edited, none of them may come as a trailer.
  public var dropsTrailers = (request: false, response: false)

  public init() {}
}

extension Timeouts {
  /// The time a client has to begin a request.
  public func idle(isFirst: Bool) -> Interval { isFirst ? httpRequest : keepAlive }

  /// The shortest inactivity timeout during a transfer.
  var shortestSilence: Interval { min(client, server) }
}
