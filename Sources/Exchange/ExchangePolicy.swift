import HTTP1
import Wire

/// What a generation's configuration lays down for its exchanges.
package struct ExchangePolicy: Sendable {
  package var limits = HeadLimits()
  package var timeouts = Timeouts()
  /// Further attempts after the first.
  package var retries = 3
  /// Requests answered on one client connection before it is closed; nil for no bound.
  package var requestsPerConnection: Int?

  package init() {}

  package struct Timeouts: Sendable {
    package var tlsHandshake = Interval.seconds(5)
    /// A request head must be complete this long after its first byte, the first on a connection after the accept.
    package var httpRequest = Interval.seconds(10)
    /// Silence between two requests.
    package var keepAlive = Interval.seconds(10)
    package var queue = Interval.minutes(1)
    /// TCP and TLS to the server.
    package var connect = Interval.seconds(10)
    /// The same for all attempts of one exchange together, pauses for want of something on this machine among them.
    package var connectTotal = Interval.seconds(15)
    /// Silence of a client that should send or take bytes.
    package var client = Interval.minutes(1)
    /// Silence of a server that should send or take bytes.
    package var server = Interval.minutes(1)
    /// Silence in both directions of an upgraded connection or a two-way stream.
    package var tunnel = Interval.hours(12)

    package init() {}

    /// How long a client may be silent before it begins a request.
    package func idle(isFirst: Bool) -> Interval { isFirst ? httpRequest : keepAlive }

    /// The shortest silence that can matter while bytes flow.
    var shortestSilence: Interval { min(client, server) }
  }
}
