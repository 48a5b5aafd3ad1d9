/// The metrics of what a service or a server has done for clients.
struct TrafficMetrics {
  let requests, connections, flows, responses, ownResponses, aborts, received, sent, retries, redispatches: Metric

  /// `subject`: the first word of the names.
  init(_ subject: String, by labels: [String], redispatches meaning: String) {
    func counter(_ name: String, _ help: String, _ label: String? = nil) -> Metric {
      .counter("\(subject)_\(name)", help, by: labels + [label].compactMap { $0 })
    }
    requests = counter("requests", "Requests that have ended, with those that were refused or not completed.")
    connections = counter(
      "relayed_connections", "Connections that were relayed unread and have ended: mode passthrough, and relay.")
    flows = counter("relayed_flows", "Flows of UDP datagrams that have ended.")
    responses = counter("responses", "Responses to clients by the class of their status, such as 2xx.", "code")
    ownResponses = counter("own_responses", "Those of them that are Belvedere's own: error pages and redirects.")
    aborts = counter("aborts", "Requests, connections and flows that did not end normally, by the cause.", "cause")
    let when = "with heads and framing, counted when the request, tunnel or flow ends."
    received = counter("received_bytes", "Bytes received from clients, \(when)")
    sent = counter("sent_bytes", "Bytes sent to clients, \(when)")
    retries = counter("retries", "Further attempts after one that failed.")
    redispatches = counter("redispatches", meaning)
  }

  var all: [Metric] {
    [requests, connections, flows, responses, ownResponses, aborts, received, sent, retries, redispatches]
  }
}

/// Counters since the service started. They survive a worker's death.
extension Metrics {
  static let workers = Metric.counter("workers_started", "Workers that were started.")
  static let handshakes = Metric.counter(
    "handshakes", "TLS handshakes with clients that were completed: full, or resumed.", by: ["kind"])
  static let handshakeFailures = Metric.counter(
    "handshake_failures", "TLS handshakes with clients that failed, by reason.", by: ["reason"])
  static let limitsReached = Metric.counter("limits_reached", "How often a limit was reached.", by: ["limit"])
  static let droppedLines = Metric.counter(
    "access_log_dropped_lines", "Lines of the access log that its destination did not take.")
  static let suppressedLines = Metric.counter(
    "log_suppressed_lines", "Lines of the log that were left out because there were too many.")
  static let turns = Metric.counter("loop_turns", "Turns of an event loop.", by: ["loop"])
  static let lateTurns = Metric.counter(
    "loop_late_turns", "Turns of an event loop that began more than 20 ms late.", by: ["loop"])

  static let counters: [Metric] = [
    workers, handshakes, handshakeFailures, limitsReached, droppedLines, suppressedLines, turns, lateTurns,
  ]

  // MARK: services

  static let serviceMaintenance = Metric.gauge(
    "service_maintenance", "Whether the service is in maintenance.", by: ["service"])
  static let serviceConnections = Metric.gauge("service_connections", "Open connections of clients.", by: ["service"])
  static let serviceWaiting = Metric.gauge("service_queue", "Requests that wait for a server.", by: ["service"])
  static let serviceClients = Metric.gauge("service_clients", "Entries of the affinity tables.", by: ["service"])
  static let serviceClientLimit = Metric.gauge(
    "service_clients_limit", "The most entries of the affinity tables (affinity.entries).", by: ["service"])
  static let evictedClients = Metric.counter(
    "service_clients_evicted", "Clients that were forgotten because the affinity table was full.", by: ["service"])
  static let refusedByAccess = Metric.counter(
    "service_access_refused",
    "Connections, requests and flows that access has refused, by the rule: access, access.paths, or ambiguous path.",
    by: ["service", "rule"])
  static let serviceTraffic = TrafficMetrics(
    "service", by: ["service"], redispatches: "Requests that went to another server than the first chosen.")

  static let services: [Metric] =
    [
      serviceMaintenance, serviceConnections, serviceWaiting, serviceClients, serviceClientLimit, evictedClients,
      refusedByAccess,
    ]
    + serviceTraffic.all

  // MARK: servers

  static let serverTraffic = TrafficMetrics(
    "server", by: ofServer, redispatches: "Requests that the server got because another one had failed.")
  static let connectFailures = Metric.counter(
    "server_connect_failures", "Connections to the server that could not be established.", by: ofServer)
  static let responseFailures = Metric.counter(
    "server_response_failures", "Requests that the server did not answer, or not as it should.", by: ofServer)
  static let checks = Metric.counter("server_checks", "Completed health checks.", by: ofServer)
  static let failedChecks = Metric.counter("server_checks_failed", "Health checks that failed.", by: ofServer)
  static let connectTime = Metric.histogram(
    "server_connect_duration_seconds", "How long each new connection to the server took, including TLS.",
    by: ofServer)
  static let responseTime = Metric.histogram(
    "server_response_duration_seconds", "From the connection to the head of the response.", by: ofServer)
  static let totalTime = Metric.histogram(
    "server_request_duration_seconds", "From the first byte of the request to its end; tunnels with their whole life.",
    by: ofServer)

  static let serverCounters: [Metric] =
    serverTraffic.all + [
      connectFailures, responseFailures, checks, failedChecks, connectTime, responseTime, totalTime,
    ]
}
