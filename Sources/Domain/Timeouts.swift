import Wire

/// The time limits of an exchange, with HAProxy's names where it has them.
public struct Timeouts: Equatable, Sendable {
  /// From accepting a trusted proxy's connection to the end of its PROXY protocol header. The protocol's specification
  /// asks for at least this, so that a lost packet can be sent again (§2).
  public var proxyHeader = Interval.seconds(3)
  /// From accepting a connection, or from the end of its PROXY protocol header, to the end of its TLS handshake.
  public var tlsHandshake = Interval.seconds(5)
  /// From a request's first byte to the end of its head; also from the end of the handshake to the first byte of the
  /// first request.
  public var httpRequest = Interval.seconds(10)
  /// How long a request waits for a slot at a server.
  public var queue = Interval.minutes(1)
  /// TCP connection and TLS handshake with a server.
  public var connect = Interval.seconds(10)
  /// All connection attempts of one request together: if every server hangs in its TLS handshake, the client gets a 503
  /// after this time. By default one and a half times `connect`: a server that hangs takes all of `connect`, and the
  /// next one still has half of it.
  public var connectTotal = Interval.seconds(15)
  /// How long a client that has to send or accept bytes may do neither.
  public var client = Interval.minutes(1)
  /// How long a server that has to send or accept bytes may do neither.
  public var server = Interval.minutes(1)
  /// From the end of a response to the first byte of the next request on the connection.
  public var keepAlive = Interval.seconds(10)
  /// Inactivity in both directions of a stream: after an upgrade, on a request whose response began before the end of
  /// its own body (the secure tunnel), and in `passthrough` mode. Sessions last up to 10 hours.
  public var tunnel = Interval.hours(12)
  /// Silence of a UDP client that has shown that it receives. NATs keep their mappings at least as long (RFC 4787 §4.3),
  /// and PCoIP and Blast send several datagrams a second.
  public var datagrams = Interval.minutes(2)
  /// How long exchanges may take to finish after an orderly stop was requested. Less than systemd's 90 s.
  public var stop = Interval.seconds(30)

  public init() {}
}
