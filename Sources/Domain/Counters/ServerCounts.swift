/// What a worker has counted of one server.
public struct ServerCounts: CounterSet, Codable {
  /// The requests that ended at this server. The time-outs, failures and retries before that are counted below, at the
  /// server that each of them met.
  public var traffic = TrafficCounts()
  /// Connections that could not be established: refused, no answer in time, no TLS.
  public var connectFailures: UInt64 = 0
  /// Requests that the server had and did not answer as it should: no answer, an incomplete or invalid one, none in time.
  public var responseFailures: UInt64 = 0
  /// Completed health checks.
  public var checks: UInt64 = 0
  /// Those of them that failed.
  public var failedChecks: UInt64 = 0
  /// How long each new connection took, including TLS.
  public var connectTime = DurationHistogram()
  /// From the connection to the head of the response.
  public var responseTime = DurationHistogram()
  /// From the first byte of the request to the end; of tunnels and relayed connections, their whole life.
  public var totalTime = DurationHistogram()

  public init() {}

  /// Lists the counters.
  public mutating func forEach(with other: ServerCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    traffic.forEach(with: other.traffic, change)
    change("connect_failures", &connectFailures, other.connectFailures)
    change("response_failures", &responseFailures, other.responseFailures)
    change("checks", &checks, other.checks)
    change("failed_checks", &failedChecks, other.failedChecks)
    connectTime.forEach(with: other.connectTime, change)
    responseTime.forEach(with: other.responseTime, change)
    totalTime.forEach(with: other.totalTime, change)
  }

  private enum CodingKeys: String, CodingKey {
    case traffic, checks
    case connectFailures = "connect_failures"
    case responseFailures = "response_failures"
    case failedChecks = "failed_checks"
    case connectTime = "connect_time"
    case responseTime = "response_time"
    case totalTime = "total_time"
  }
}
