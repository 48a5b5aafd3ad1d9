import Wire

/// What governs the running service.
extension Schema {
  static let timeouts = Section<Configuration.Timeouts>(
    name: "timeouts",
    keys: [
      Key(
        "tls-handshake", \.tlsHandshake, .timeout, example: "10s",
        "From a client's connection to the end of its TLS handshake."),
      Key(
        "http-request", \.httpRequest, .timeout, example: "30s",
        "For a request's head, from its first byte; on a new connection from the end of the handshake."),
      Key("queue", \.queue, .timeout, example: "30s", "How long a request waits for a server that is full."),
      Key("connect", \.connect, .timeout, example: "5s", "For a connection and TLS handshake with a server."),
      Key(
        "connect-total", \.connectTotal, .timeout, default: "one and a half times `connect`", example: "8s",
        "The same for all tries of one request (`retries`) together. Then it is answered with 503."),
      Key(
        "client", \.client, .timeout, example: "5m",
        "How long a client that has to send or take something may do neither."),
      Key(
        "server", \.server, .timeout, example: "5m",
        "How long a server that has to send or take something may do neither."),
      Key(
        "keep-alive", \.keepAlive, .timeout, example: "1m", "How long a client's connection waits for its next request."
      ),
      Key(
        "tunnel", \.tunnel, .timeout, example: "24h",
        "Silence on a stream: the secure tunnel, WebSockets, and everything in mode `passthrough`."),
      Key(
        "stop", \.stop, .timeout, example: "1m",
        """
        How long exchanges may take to finish when the service is stopped; at a virtual address that is handed over, none.
        """),
    ])

  static let limits = Section<Configuration.Limits>(
    name: "limits",
    keys: [
      Key(
        "connections", \.connections, .number(1...10_000_000), example: "4000",
        """
        Clients' connections in all. Above it, or above what the descriptors allow (limits.md), those make room that have \
        sent nothing, then idle ones; where all are at work, new ones wait. 10,000 idle ones take about 150 MB.
        """),
      Key(
        "connections-per-address", \.connectionsPerAddress, .either("off", or: .number(1...10_000_000)), example: "200",
        """
        Clients' connections from one address, or one IPv6 /64; trusted proxies (`forwarded`) have no such limit. Many users \
        may sit behind one address: 200 of them with 10 connections each, twice while they reconnect, are 4000.
        """),
      Key(
        "header-bytes", \.headerBytes, .size(1024...65_536), example: "32KiB",
        """
        A head's size, start line included. Path and query may be 8 KiB, or half of this where that is more. Above 15 KiB a \
        connection whose head needs it holds up to 132 KiB while that is under way, instead of 34.
        """),
      Key("header-fields", \.headerFields, .number(16...1000), example: "64", "A head's field lines."),
      Key(
        "requests-per-connection", \.requestsPerConnection, .either("off", or: .number(1...1_000_000_000)),
        example: "1000",
        "After how many requests a client's connection is closed."),
      Key(
        "queue", \.queue, .number(0...1_000_000), example: "100",
        "How many requests wait for one full server. The next one is answered with 503."),
    ])

  static let log = Section<Configuration.Log>(
    name: "log",
    keys: [
      Key("level", \.level, .word, example: "debug", "The least severe message that is written."),
      Key(
        "target", \.target, .word, example: "stderr",
        "`auto` is the journal under systemd, otherwise standard error."),
      Key(
        "facility", \.facility, .word, example: "local2",
        "Syslog's facility of what goes to the journal, and of `access: { target: syslog }`."),
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
        "`httplog` is HAProxy's, field by field. `json` is one object a line."),
      Key(
        "target", \.target, .accessTarget, example: "/var/log/belvedere/access.log",
        """
        `stdout` is the journal under systemd, as bare lines; `journal` has client and server as fields; `syslog` is \
        `/dev/log`, as HAProxy's `log /dev/log`; or a file.
        """),
      Key(
        "queries", \.queries, .word, example: "full",
        """
        What is written of queries and path parameters, which carry sessions' secrets: `hash` puts eight digits in place \
        of each value, the same for the same value as long as the worker lives; `cut` leaves them out; `full` writes them \
        in clear, and what is no request line too.
        """),
    ])
}

extension Configuration.Timeouts: Defaulted {
  static let defaults = Configuration.Timeouts()
}

extension Configuration.Limits: Defaulted {
  static let defaults = Configuration.Limits()
}

extension Configuration.Log: Defaulted {
  static let defaults = Configuration.Log()
}

extension Configuration.Log.Access: Defaulted {
  static let defaults = Configuration.Log.Access()
}
