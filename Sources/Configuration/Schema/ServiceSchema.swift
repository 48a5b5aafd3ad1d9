import Domain
import Wire

/// The settings of the running service.
extension Schema {
  static let timeouts = Section<Timeouts>(
    name: "timeouts",
    keys: [
      Key(
        "proxy-header", \.proxyHeader, .timeout, example: "10s",
        "For the PROXY protocol header of a trusted proxy (`forwarded.proxy-protocol`), from the start of its connection."
      ),
      Key(
        "tls-handshake", \.tlsHandshake, .timeout, example: "10s",
        "From the start of a client's connection, after its PROXY protocol header if there is one, to the end of its TLS handshake."
      ),
      Key(
        "http-request", \.httpRequest, .timeout, example: "30s",
        "For a complete request head, from its first byte, or on a new connection from the end of the handshake."),
      Key("queue", \.queue, .timeout, example: "30s", "How long a request may wait in a server's queue."),
      Key("connect", \.connect, .timeout, example: "5s", "For connection and TLS handshake with a server."),
      Key(
        "connect-total", \.connectTotal, .timeout, default: "one and a half times `connect`", example: "8s",
        "For all attempts of one request (`retries`) together. After that it is answered with 503."),
      Key(
        "client", \.client, .timeout, example: "5m",
        """
        Inactivity of a client that has to send or receive data; in mode `passthrough` and on ports of `relay`, only until the \
        first byte of either side.
        """),
      Key(
        "server", \.server, .timeout, example: "5m",
        "Inactivity of a server that has to send or receive data."),
      Key(
        "keep-alive", \.keepAlive, .timeout, example: "1m",
        "How long an idle client connection is kept open for the next request."
      ),
      Key(
        "tunnel", \.tunnel, .timeout, example: "24h",
        "Inactivity of a tunnel: the secure tunnel, WebSockets, connections in mode `passthrough` and on ports of `relay`."
      ),
      Key(
        "datagrams", \.datagrams, .timeout, example: "5m",
        "Silence of a client that sends UDP datagrams (`relay`), after which its flow ends."),
      Key(
        "stop", \.stop, .timeout, example: "1m",
        """
        How long running requests and tunnels may take to finish at a stop. Those at a virtual address that is handed \
        over are ended at once.
        """),
    ])

  /// Both kinds of limits together, for a file with one service.
  static let limits = Section<WrittenLimits>(
    name: "limits",
    keys: sharedLimits.keys.map { $0.inside(\.shared) } + serviceLimits.keys.map { $0.inside(\.own) })

  static let sharedLimits = Section<Configuration.Limits>(
    name: "limits",
    keys: [
      Key(
        "connections", \.connections, .number(1...10_000_000), example: "4000",
        """
        Maximum of client connections. At this limit, or at that of the descriptors (limits.md), a new connection \
        replaces one that has sent nothing, else an idle one; if all are busy, it waits. 10,000 idle connections take \
        about 150 MB.
        """),
      Key(
        "connections-per-address", \.connectionsPerAddress, .either("off", or: .number(1...10_000_000)), example: "200",
        """
        Maximum of client connections from one address or one IPv6 /64. Trusted proxies (`forwarded`) have no such \
        limit; of a client behind one, each request and tunnel under way counts, and one more is answered with 503. \
        4000 allows for 200 users behind one address with 10 connections each, twice over while they reconnect.
        """),
      Key(
        "flows", \.flows, .number(1...1_000_000), example: "8000",
        """
        Maximum of flows of UDP datagrams (`relay`), each with a descriptor and a source port of its own. At this limit a \
        new flow replaces the oldest one whose client has not answered its server, else the one whose client has been \
        silent longest, for at least 30 s; if there is none, its datagrams are dropped.
        """),
      Key(
        "flows-per-address", \.flowsPerAddress, .either("off", or: .number(1...1_000_000)), example: "400",
        "Maximum of these flows from one address or one IPv6 /64, of clients that have answered their server."),
    ])

  static let serviceLimits = Section<Configuration.Service.Limits>(
    name: "services.NAME.limits",
    keys: [
      Key(
        "header-bytes", \.headerBytes, .size(1024...65_536), example: "32KiB",
        """
        Maximum size of a head, including the start line. Path and query may have 8 KiB, or half of this if that is \
        more. A connection with a head of more than 15 KiB takes up to 132 KiB instead of 34 during the request.
        """),
      Key(
        "header-fields", \.headerFields, .number(16...1000), example: "64",
        "Maximum number of field lines in a head."),
      Key(
        "requests-per-connection", \.requestsPerConnection, .either("off", or: .number(1...1_000_000_000)),
        example: "1000",
        "Number of requests after which a client's connection is closed."),
      Key(
        "queue", \.queue, .number(0...1_000_000), example: "100",
        """
        Maximum of queued requests for one server, at most three quarters of them from one client address. Further ones \
        are answered with 503.
        """),
    ])

  static let log = Section<Configuration.Log>(
    name: "log",
    keys: [
      Key("level", \.level, .word, example: "debug", "The lowest severity that is logged."),
      Key(
        "target", \.target, .word, example: "stderr",
        "`auto` is the journal under systemd, otherwise standard error."),
      Key(
        "facility", \.facility, .word, example: "local2",
        "The syslog facility for the journal and for `access: { target: syslog }`."),
      Key(
        "access", \.access, .either("off", or: .section(access)), default: "on, see [log.access](#logaccess)",
        example: "off",
        "One line for each request."),
    ])

  static let access = Section<Configuration.Log.Access>(
    name: "log.access",
    keys: [
      Key(
        "format", \.format, .word, example: "json",
        "`httplog` has the fields of HAProxy's format. `json` has one object a line."),
      Key(
        "target", \.target, .accessTarget, example: "/var/log/belvedere/access.log",
        """
        `stdout`: plain lines, to the journal under systemd. `journal`: the journal, with client and server as \
        fields. `syslog`: `/dev/log`, like HAProxy's `log /dev/log`. Otherwise a file.
        """),
      Key(
        "queries", \.queries, .word, example: "full",
        """
        How queries and path parameters are logged, which can contain secrets of sessions. `hash`: eight digits \
        instead of each value, equal for equal values until the worker ends. `cut`: omitted. `full`: in clear, and \
        malformed request lines too.
        """),
    ])
}

extension Timeouts: DefaultInitialized {}
extension Configuration.Relay: DefaultInitialized {}
extension Configuration.Limits: DefaultInitialized {}
extension Configuration.Service.Limits: DefaultInitialized {}
extension Configuration.Log: DefaultInitialized {}
extension Configuration.Log.Access: DefaultInitialized {}

/// `limits` of a file with one service: its own limits, and those that several services would share.
struct WrittenLimits: DefaultInitialized {
  var shared = Configuration.Limits()
  var own = Configuration.Service.Limits()
}
