/// All metrics, in the order of docs/metrics.md.
package enum Metrics {
  package static let all: [Metric] = [
    service, traffic, counters, services, servers, serverCounters, [certificateEnd, authorityEnd, listEnd], routers,
    pair,
  ].flatMap { $0 }

  // MARK: the service

  static let up = Metric.gauge(
    "up", "Whether the service reports its status; if not, only this and those of belvedere observe exist.")
  static let observerBuild = Metric.gauge(
    "observer_build_info", "The version of belvedere observe; always 1.", by: ["version"])
  static let observerCertificate = Metric.gauge(
    "observer_certificate_not_after_timestamp_seconds",
    "When the certificate of belvedere observe expires, in Unix time; absent without observe.tls.")
  static let reported = Metric.gauge("report_timestamp_seconds", "When the last status was made, in Unix time.")
  static let build = Metric.gauge(
    "build_info", "The version of the service and the host name; always 1.", by: ["version", "node"])
  static let state = Metric.gauge("state", "1 for the state of the service, 0 for the others.", by: ["state"])
  static let started = Metric.gauge("start_timestamp_seconds", "When the supervisor was started, in Unix time.")
  static let workerUp = Metric.gauge("worker_up", "Whether there is a worker process.")
  static let workerStarted = Metric.gauge(
    "worker_start_timestamp_seconds", "When the worker process was started, in Unix time.")
  static let configuration = Metric.gauge(
    "configuration_number", "The number of the configuration in use: reloads count from 1, refused ones too.")
  static let configured = Metric.gauge(
    "configuration_timestamp_seconds", "Since when the configuration is in use, in Unix time.")
  static let configurations = Metric.gauge(
    "configurations_in_memory", "Configurations in memory: the one in use, and former ones that connections still use.")
  static let threads = Metric.gauge("threads", "Event loops of the worker.")
  static let problem = Metric.gauge(
    "last_problem_timestamp_seconds",
    "When the last warning or error was logged, in Unix time; absent if there was none.")

  private static let service: [Metric] = [
    up, observerBuild, observerCertificate, reported, build, state, started, workerUp, workerStarted, configuration,
    configured,
    configurations, threads, problem,
  ]

  // MARK: traffic

  static let connections = Metric.gauge("connections", "Open connections of clients.")
  static let connectionLimit = Metric.gauge(
    "connections_limit", "The most connections of clients (limits.connections).")
  static let accepted = Metric.counter("connections_accepted", "Connections of clients since the service started.")
  static let refusedConnections = Metric.counter(
    "connections_refused",
    "Connections closed because of a limit, a rate, or faulty bytes; not by access."
  )
  static let exchanges = Metric.gauge("exchanges", "Requests and tunnels in progress.")
  static let requests = Metric.counter("requests", "Requests that have begun, since the service started.")
  static let refusedRequests = Metric.counter(
    "requests_refused",
    "Requests refused as malformed, for no name of the service, for a certificate that is no longer enough, or above a limit or a rate; not by access."
  )
  static let unroutable = Metric.counter(
    "requests_unroutable", "Requests without an available server, since the service started.")
  static let flows = Metric.gauge("flows", "Flows of UDP datagrams in progress.")
  static let flowLimit = Metric.gauge("flows_limit", "The most flows of UDP datagrams; 0 where none are relayed.")
  static let datagrams = Metric.counter("datagrams_relayed", "UDP datagrams relayed, since the service started.")
  static let droppedDatagrams = Metric.counter("datagrams_dropped", "UDP datagrams dropped, since the service started.")
  static let clientLimit = Metric.gauge("clients_limit", "The most clients in the affinity tables.")
  static let queueLimit = Metric.gauge("queue_limit", "The most waiting requests of one server.")

  private static let traffic: [Metric] = [
    connections, connectionLimit, accepted, refusedConnections, exchanges, requests, refusedRequests,
    unroutable, flows, flowLimit, datagrams, droppedDatagrams, clientLimit, queueLimit,
  ]

  // MARK: servers

  static let ofServer = ["service", "server"]
  private static func server(_ name: String, _ help: String) -> Metric { .gauge("server_" + name, help, by: ofServer) }

  static let serverState = Metric.gauge(
    "server_state", "1 for the state of the server, 0 for the others; unknown before the first check.",
    by: ofServer + ["state"])
  static let serverChanged = server("state_timestamp_seconds", "Since when the server has this state, in Unix time.")
  static let serverWeight = server("weight", "The weight of the server, set by an administrator or configured.")
  static let serverConfiguredWeight = server("configured_weight", "The configured weight of the server.")
  static let serverWeightRatio = server(
    "weight_ratio",
    "The part of the weight that applies to new clients: below 1 during a slow start, 0 while suspected.")
  static let serverBackup = server("backup", "Whether the server is used only when no other one is available.")
  static let serverRemoved = server("removed", "Whether a reload has removed the server, and exchanges continue there.")
  static let serverLimit = server("exchanges_limit", "The most simultaneous requests and tunnels of the server.")
  static let serverClients = server("clients", "Clients assigned to the server: connected, or seen lately.")
  static let serverSessions = server("sessions", "Clients assigned to the server that are connected.")
  static let serverExchanges = server(
    "exchanges", "Requests, tunnels and relayed connections in progress at the server.")
  static let serverFlows = server("flows", "Flows of UDP datagrams in progress at the server.")
  static let serverWaiting = server("queue", "Requests that wait for the server.")
  static let serverConnections = server("connections", "Connections to the server, including idle ones.")
  static let checked = server(
    "check_timestamp_seconds", "When the last health check of the server ended, in Unix time.")
  static let checkDuration = server("check_duration_seconds", "How long the last health check of the server took.")

  static let serverCertificateShown = server(
    "certificate_shown", "Whether clients are shown the certificate that the server has; absent in mode passthrough.")
  static let serverCertificateEnd = server(
    "certificate_not_after_timestamp_seconds", "When the certificate of the server expires, in Unix time.")

  private static let servers: [Metric] = [
    serverState, serverChanged, serverWeight, serverConfiguredWeight, serverWeightRatio, serverBackup, serverRemoved,
    serverLimit, serverClients, serverSessions, serverExchanges, serverFlows, serverWaiting, serverConnections, checked,
    checkDuration, serverCertificateShown, serverCertificateEnd,
  ]

  // MARK: certificates

  static let certificateEnd = Metric.gauge(
    "certificate_not_after_timestamp_seconds", "When a certificate for clients expires, in Unix time.",
    by: ["file", "subject", "fingerprint"])
  static let authorityEnd = Metric.gauge(
    "client_authority_not_after_timestamp_seconds",
    "When an authority of clients' certificates expires, in Unix time.", by: ["service", "file", "subject"])
  static let listEnd = Metric.gauge(
    "revocation_list_next_update_timestamp_seconds",
    "When a revocation list of clients' certificates expires, in Unix time.", by: ["service", "file", "issuer"])
}
