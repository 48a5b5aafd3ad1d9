// What a service or a server has done for clients. A request, a relayed connection or a flow is counted when it ends.

/// The requests of one service or server.
public struct TrafficCounts: CounterSet, Codable {
  /// HTTP requests, with those that were refused or not completed.
  public var requests: UInt64 = 0
  /// Connections that were relayed without being parsed: mode `passthrough`, and `relay`.
  public var connections: UInt64 = 0
  /// Flows of UDP datagrams.
  public var flows: UInt64 = 0
  public var responses = ResponseCounts()
  public var terminations = TerminationCounts()
  /// Bytes received from clients, with heads and framing.
  public var bytesIn: UInt64 = 0
  /// Bytes sent to clients, with heads and framing.
  public var bytesOut: UInt64 = 0
  /// Further attempts after one that failed.
  public var retries: UInt64 = 0
  /// Of a service: requests that went to another server than the first chosen. Of a server: those that it got so.
  public var redispatches: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: TrafficCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("requests", &requests, other.requests)
    change("connections", &connections, other.connections)
    change("flows", &flows, other.flows)
    responses.forEach(with: other.responses, change)
    terminations.forEach(with: other.terminations, change)
    change("bytes_in", &bytesIn, other.bytesIn)
    change("bytes_out", &bytesOut, other.bytesOut)
    change("retries", &retries, other.retries)
    change("redispatches", &redispatches, other.redispatches)
  }

  private enum CodingKeys: String, CodingKey {
    case requests, connections, flows, responses, terminations, retries, redispatches
    case bytesIn = "bytes_in"
    case bytesOut = "bytes_out"
  }
}

/// Responses by the class of their status.
public struct ResponseCounts: FlatCounterSet {
  /// 101 (Switching Protocols).
  public var informational: UInt64 = 0
  public var successful: UInt64 = 0
  public var redirections: UInt64 = 0
  public var clientErrors: UInt64 = 0
  public var serverErrors: UInt64 = 0
  /// Those of all classes that are Belvedere's own: error pages and redirects.
  public var own: UInt64 = 0

  public init() {}

  /// Counts a response with a status from 100 to 599; 0 is none.
  @inline(__always)
  public mutating func count(_ status: UInt16) {
    switch status {
    case 200..<300: successful &+= 1
    case 300..<400: redirections &+= 1
    case 100..<200: informational &+= 1
    case 400..<500: clientErrors &+= 1
    case 500..<600: serverErrors &+= 1
    default: break
    }
  }

  /// Lists the counters.
  public mutating func forEach(with other: ResponseCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("1xx", &informational, other.informational)
    change("2xx", &successful, other.successful)
    change("3xx", &redirections, other.redirections)
    change("4xx", &clientErrors, other.clientErrors)
    change("5xx", &serverErrors, other.serverErrors)
    change("own", &own, other.own)
  }
}

/// Requests, connections and flows that did not end normally, by the cause that is the first letter of their termination
/// state in the access log.
public struct TerminationCounts: FlatCounterSet {
  /// `C`: the client aborted.
  public var client: UInt64 = 0
  /// `S`: the server closed or refused the connection, or there was none.
  public var server: UInt64 = 0
  /// `P`: refused here.
  public var proxy: UInt64 = 0
  /// `R`: a shortage on this machine.
  public var resource: UInt64 = 0
  /// `D`: the server was declared down.
  public var down: UInt64 = 0
  /// `K`: the worker stopped.
  public var killed: UInt64 = 0
  /// `c`: a time-out of the client.
  public var clientTimeout: UInt64 = 0
  /// `s`: a time-out of the server.
  public var serverTimeout: UInt64 = 0
  /// `L`: answered here, with a redirect or the page of maintenance.
  public var local: UInt64 = 0

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: TerminationCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("client", &client, other.client)
    change("server", &server, other.server)
    change("proxy", &proxy, other.proxy)
    change("resource", &resource, other.resource)
    change("down", &down, other.down)
    change("killed", &killed, other.killed)
    change("client_timeout", &clientTimeout, other.clientTimeout)
    change("server_timeout", &serverTimeout, other.serverTimeout)
    change("local", &local, other.local)
  }
}
