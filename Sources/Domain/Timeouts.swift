import Wire

/// How long each side may take, by the classic names.
public struct Timeouts: Equatable, Sendable {
  /// From accepting a connection to the end of its TLS handshake.
  public var tlsHandshake = Interval.seconds(5)
  /// From a request's first byte to the end of its head; also from the end of the handshake to the first request's
  /// first byte.
  public var httpRequest = Interval.seconds(10)
  /// How long a request waits for a server that is full.
  public var queue = Interval.minutes(1)
  /// TCP connection and TLS handshake with a server.
  public var connect = Interval.seconds(10)
  /// All attempts of one request to get a connection together: with every server hung in its TLS handshake, a client has
  /// its 503 after this. One and a half times `connect` when the file says nothing: a server that hangs takes all of
  /// `connect`, and the next one still has half of it.
  public var connectTotal = Interval.seconds(15)
  /// How long a client that has to send or take something may do neither.
  public var client = Interval.minutes(1)
  /// How long a server that has to send or take something may do neither.
  public var server = Interval.minutes(1)
  /// From the end of an answer to the first byte of the next request on the connection.
  public var keepAlive = Interval.seconds(10)
  /// Silence in both directions on a stream: after an upgrade, on a request whose answer began before its own body
  /// ended (the secure tunnel), and in `passthrough` mode. Sessions last up to 10 hours.
  public var tunnel = Interval.hours(12)
  /// How long exchanges may take to finish after an orderly stop was asked for. Below systemd's 90 s.
  public var stop = Interval.seconds(30)

  public init() {}
}
