import Control
import Domain

/// The samples of counters.
extension Exposition {
  /// `maintenance`: the services that are in maintenance.
  mutating func add(_ counters: StatusReport.Counters, maintenance: Set<String>) {
    add(Metrics.workers, counters.workers)
    add(Metrics.handshakes, counters.handshakes.full, ["full"])
    add(Metrics.handshakes, counters.handshakes.resumed, ["resumed"])
    let failures = counters.handshakes.failures
    for (reason, count) in [
      ("closed", failures.closed), ("timeout", failures.timeout), ("certificate", failures.certificate),
      ("alert", failures.alert), ("parameters", failures.parameters), ("not_tls", failures.notTLS),
      ("invalid", failures.invalid), ("local", failures.local),
    ] { add(Metrics.handshakeFailures, count, [reason]) }
    let limits = counters.limits
    for (limit, count) in [
      ("connections", limits.connections), ("accept_pauses", limits.pauses),
      ("connections_per_address", limits.connectionsPerAddress), ("queue", limits.queue),
      ("server_connections", limits.serverConnections), ("tls_messages", limits.tlsMessages),
    ] { add(Metrics.limitsReached, count, [limit]) }
    add(Metrics.droppedLines, counters.log.dropped)
    add(Metrics.suppressedLines, counters.log.suppressed)
    for (index, loop) in counters.loops.enumerated() {
      add(Metrics.turns, loop.turns, ["\(index)"])
      add(Metrics.lateTurns, loop.lateTurns, ["\(index)"])
    }
    for service in counters.services {
      add(Metrics.serviceMaintenance, maintenance.contains(service.name), [service.name])
      add(service)
    }
  }

  private mutating func add(_ service: StatusReport.ServiceCounters) {
    let labels = [service.name]
    add(Metrics.serviceConnections, service.connections, labels)
    add(Metrics.serviceWaiting, service.waiting, labels)
    add(Metrics.serviceClients, service.clients, labels)
    add(Metrics.serviceClientLimit, service.clientLimit, labels)
    add(Metrics.evictedClients, service.counts.evictedClients, labels)
    add(Metrics.serviceTraffic, service.counts.traffic, labels)
  }

  mutating func add(_ counts: ServerCounts, _ labels: [String]) {
    add(Metrics.serverTraffic, counts.traffic, labels)
    add(Metrics.connectFailures, counts.connectFailures, labels)
    add(Metrics.responseFailures, counts.responseFailures, labels)
    add(Metrics.checks, counts.checks, labels)
    add(Metrics.failedChecks, counts.failedChecks, labels)
    add(Metrics.connectTime, counts.connectTime, labels)
    add(Metrics.responseTime, counts.responseTime, labels)
    add(Metrics.totalTime, counts.totalTime, labels)
  }

  private mutating func add(_ metrics: TrafficMetrics, _ traffic: TrafficCounts, _ labels: [String]) {
    add(metrics.requests, traffic.requests, labels)
    add(metrics.connections, traffic.connections, labels)
    add(metrics.flows, traffic.flows, labels)
    let answers = traffic.answers
    for (code, count) in [
      ("1xx", answers.informational), ("2xx", answers.successful), ("3xx", answers.redirections),
      ("4xx", answers.clientErrors), ("5xx", answers.serverErrors),
    ] { add(metrics.responses, count, labels + [code]) }
    add(metrics.ownResponses, answers.own, labels)
    // Without `local`: a redirect is no failure.
    let endings = traffic.endings
    for (cause, count) in [
      ("client", endings.client), ("server", endings.server), ("proxy", endings.proxy),
      ("resource", endings.resource), ("down", endings.down), ("killed", endings.killed),
      ("client_timeout", endings.clientTimeout), ("server_timeout", endings.serverTimeout),
    ] { add(metrics.endings, count, labels + [cause]) }
    add(metrics.received, traffic.bytesIn, labels)
    add(metrics.sent, traffic.bytesOut, labels)
    add(metrics.retries, traffic.retries, labels)
    add(metrics.redispatches, traffic.redispatches, labels)
  }
}
