import Wire

extension Configuration {
  /// The limits that all services share. Nil means no limit where a limit is optional.
  package struct Limits: Equatable, Sendable {
    /// Maximum of client connections. At this limit, or at the lower one of the process's descriptors
    /// (`DescriptorBudget`), a new connection replaces one that has sent nothing or is idle; if there is none, the new
    /// one waits.
    ///
    /// 10,000 idle TLS connections take about 150 MB.
    package var connections = 10_000
    /// Maximum of client connections from one address, including its requests through trusted proxies; the proxies' own
    /// connections are not limited. 200 users behind one address, each with a browser or View client with up to 10
    /// connections, which reconnect while the old connections still linger, have 4000.
    package var connectionsPerAddress: Int? = 4000
    /// Flows of UDP datagrams (`relay: udp`) in all. One takes a descriptor and a source port: half of those that Linux
    /// chooses from by default would be 14,000.
    package var flows = 4000
    /// Of one address: as many users as may have `connectionsPerAddress`, with two protocols each, and over again.
    package var flowsPerAddress: Int? = 1000

    package init() {}
  }

  /// Idle server connections, which each thread keeps for each server.
  package struct Pool: Equatable, Sendable {
    /// Whether a connection may be used for several clients. A connection that is bound to its authentication (NTLM,
    /// Negotiate) is never shared.
    package var share = true
    /// Minimum of idle connections that a thread keeps to a server; the recent maximum of connections in use may be
    /// kept as well (`PoolDemand`). 0 keeps none.
    package var idleConnections = 32
    /// How long a connection is kept idle. Short, so that the server's own timeout rarely ends it first.
    package var idleTimeout = Interval.seconds(10)

    package init() {}
  }

  /// The fields with the client's address: X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host.
  package struct Forwarded: Equatable, Sendable {
    /// Whether they are added to requests. Fields from a client that is not a trusted proxy are removed in either case.
    package var add = true
    /// Peers whose X-Forwarded fields are trusted, kept and extended: the request's client is the one that they name.
    package var trustedProxies: [IPPrefix] = []
    /// Whether each of their connections begins with a PROXY protocol header.
    package var proxyProtocol = false
  }
}

extension Configuration.Service {
  /// The limits of one service.
  package struct Limits: Equatable, Sendable {
    /// Bytes of a request's or response's head, including the start line. Such a head fits into one buffer of 17 KB
    /// together with the fields that rewriting adds; for larger heads (Kerberos tickets, SAML) larger buffers are
    /// allocated on demand.
    package var headerBytes = 15_360
    /// Field lines of a head.
    package var headerFields = 100
    /// Maximum of requests on one client connection before it is closed.
    package var requestsPerConnection: Int?
    /// Maximum of requests that wait for one server at its connection limit. Further ones are rejected with 503.
    package var queue = 1000

    package init() {}
  }
}
