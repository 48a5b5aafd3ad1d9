import Wire

extension Configuration {
  /// How much there may be at once of what all services share. Where a limit may be absent, nil means so.
  package struct Limits: Equatable, Sendable {
    /// Client connections in all. Above it, or above what the process's descriptors allow (`DescriptorBudget`), a new one
    /// takes the place of one that has sent nothing, or is idle; where there is none, it waits.
    ///
    /// 10,000 idle TLS connections take about 150 MB.
    package var connections = 10_000
    /// Client connections from one address, and requests from it that come through trusted proxies, whose own connections
    /// do not count. 200 users behind one address with a browser or View
    /// client of up to 10 connections each, which come anew while the old ones still linger, have 4000.
    package var connectionsPerAddress: Int? = 4000

    package init() {}
  }

  /// Idle server connections, kept by each thread for each server.
  package struct Pool: Equatable, Sendable {
    /// Whether a connection that served one client may serve another. A connection whose authentication is bound to it
    /// (NTLM, Negotiate) is never shared.
    package var share = true
    /// Idle connections that a thread keeps to a server at least; what was in use at once lately may be idle as well
    /// (`PoolDemand`). 0 keeps none.
    package var idleConnections = 32
    /// How long a connection is kept idle. Short, so that it rarely meets the server's own limit.
    package var idleTimeout = Interval.seconds(10)

    package init() {}
  }

  /// The fields that tell a server about the client: X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host.
  package struct Forwarded: Equatable, Sendable {
    /// Whether they are set on the way to a server. What a client that is no trusted proxy sent in any of them is dropped
    /// in either case.
    package var add = true
    /// Peers whose own X-Forwarded fields are believed, kept and extended: a request's client is whom they name.
    package var trustedProxies: [IPPrefix] = []
    /// Whether each of their connections begins with a header of the PROXY protocol.
    package var proxyProtocol = false
  }
}

extension Configuration.Service {
  /// How much of everything one service takes.
  package struct Limits: Equatable, Sendable {
    /// Bytes of a request's or answer's head, start line included. Such a head fits into one buffer of 17 KB together with
    /// the fields that rewriting adds; for larger ones (Kerberos tickets, SAML) larger buffers are made when they come.
    package var headerBytes = 15_360
    /// Field lines of a head.
    package var headerFields = 100
    /// Requests on one client connection, after which it is closed.
    package var requestsPerConnection: Int?
    /// Requests that wait for one server at its connection limit. The next one is refused with 503.
    package var queue = 1000

    package init() {}
  }
}
