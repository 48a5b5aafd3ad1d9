// What a service or a server has done for clients. A request, a relayed connection or a flow is counted when it ends.

/// The requests of one service or server.
public struct TrafficCounts: CounterSet, Codable {
  /// HTTP requests, with those that were refused or not completed.
  public var requests: UInt64 = 0
  /// Connections that were relayed without being parsed: mode `passthrough`, and `relay`.
  public var connections: UInt64 = 0
  /// Flows of UDP datagrams.
  public var flows: UInt64 = 0
  public var answers = AnswerCounts()
  public var endings = EndingCounts()
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
  public mutating func forEach(with other: TrafficCounts, _ change: (inout UInt64, UInt64) -> Void) {
    change(&requests, other.requests)
    change(&connections, other.connections)
    change(&flows, other.flows)
    answers.forEach(with: other.answers, change)
    endings.forEach(with: other.endings, change)
    change(&bytesIn, other.bytesIn)
    change(&bytesOut, other.bytesOut)
    change(&retries, other.retries)
    change(&redispatches, other.redispatches)
  }

  private enum CodingKeys: String, CodingKey {
    case requests, connections, flows, answers, endings, retries, redispatches
    case bytesIn = "bytes_in"
    case bytesOut = "bytes_out"
  }
}

/// Answers by the class of their status.
public struct AnswerCounts: CounterSet, Codable {
  /// 101 (Switching Protocols).
  public var informational: UInt64 = 0
  public var successful: UInt64 = 0
  public var redirections: UInt64 = 0
  public var clientErrors: UInt64 = 0
  public var serverErrors: UInt64 = 0
  /// Those of all classes that are Belvedere's own: error pages and redirects.
  public var own: UInt64 = 0

  public init() {}

  /// Counts an answer with a status from 100 to 599; 0 is none.
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
  public mutating func forEach(with other: AnswerCounts, _ change: (inout UInt64, UInt64) -> Void) {
    change(&informational, other.informational)
    change(&successful, other.successful)
    change(&redirections, other.redirections)
    change(&clientErrors, other.clientErrors)
    change(&serverErrors, other.serverErrors)
    change(&own, other.own)
  }

  private enum CodingKeys: String, CodingKey {
    case informational = "1xx"
    case successful = "2xx"
    case redirections = "3xx"
    case clientErrors = "4xx"
    case serverErrors = "5xx"
    case own
  }
}

/// Requests, connections and flows that did not end normally, by the cause that is the first letter of their termination
/// state in the access log.
public struct EndingCounts: CounterSet, Codable {
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
  public mutating func forEach(with other: EndingCounts, _ change: (inout UInt64, UInt64) -> Void) {
    change(&client, other.client)
    change(&server, other.server)
    change(&proxy, other.proxy)
    change(&resource, other.resource)
    change(&down, other.down)
    change(&killed, other.killed)
    change(&clientTimeout, other.clientTimeout)
    change(&serverTimeout, other.serverTimeout)
    change(&local, other.local)
  }

  private enum CodingKeys: String, CodingKey {
    case client, server, proxy, resource, down, killed, local
    case clientTimeout = "client_timeout"
    case serverTimeout = "server_timeout"
  }
}
