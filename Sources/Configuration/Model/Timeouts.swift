import Wire

extension Configuration {
  /// How long each side may take, by the classic names.
  package struct Timeouts: Equatable, Sendable {
    /// From accepting a connection to the end of its TLS handshake.
    package var tlsHandshake = Interval.seconds(5)
    /// From a request's first byte to the end of its head; also from the end of the handshake to the first request's
    /// first byte.
    package var httpRequest = Interval.seconds(10)
    /// How long a request waits for a server that is full.
    package var queue = Interval.minutes(1)
    /// TCP connection and TLS handshake with a server.
    package var connect = Interval.seconds(10)
    /// All attempts of one request to get a connection together: with every server hung in its TLS handshake, a client has
    /// its 503 after this. One and a half times `connect` when the file says nothing: a server that hangs takes all of
    /// `connect`, and the next one still has half of it.
    package var connectTotal = Interval.seconds(15)
    /// How long a client that has to send or take something may do neither.
    package var client = Interval.minutes(1)
    /// How long a server that has to send or take something may do neither.
    package var server = Interval.minutes(1)
    /// From the end of an answer to the first byte of the next request on the connection.
    package var keepAlive = Interval.seconds(10)
    /// Silence in both directions on a stream: after an upgrade, on a request whose answer began before its own body
    /// ended (the secure tunnel), and in `passthrough` mode. Sessions last up to 10 hours.
    package var tunnel = Interval.hours(12)
    /// How long exchanges may take to finish after an orderly stop was asked for. Below systemd's 90 s.
    package var stop = Interval.seconds(30)

    package init() {}
  }
}
