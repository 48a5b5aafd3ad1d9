import Control
import Domain

/// The samples of counters.
extension Exposition {
  /// `maintenance`: the services that are in maintenance.
  mutating func add(_ counters: StatusReport.Counters, maintenance: Set<String>) {
    add(Metrics.workers, counters.workers)
    add(Metrics.handshakes, counters.handshakes.full, ["full"])
    add(Metrics.handshakes, counters.handshakes.resumed, ["resumed"])
    for (reason, count) in counters.handshakes.failures.named { add(Metrics.handshakeFailures, count, [reason]) }
    for (limit, count) in counters.limits.named { add(Metrics.limitsReached, count, [limit]) }
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
    let access = service.counts.access
    let rules = [("access", access.service), ("access.paths", access.path), ("ambiguous path", access.ambiguous)]
    for (rule, count) in rules {
      add(Metrics.refusedByAccess, count, labels + [rule])
    }
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
    for (code, count) in traffic.responses.named where code != "own" { add(metrics.responses, count, labels + [code]) }
    add(metrics.ownResponses, traffic.responses.own, labels)
    // A redirect is no failure.
    for (cause, count) in traffic.terminations.named where cause != "local" {
      add(metrics.aborts, count, labels + [cause])
    }
    add(metrics.received, traffic.bytesIn, labels)
    add(metrics.sent, traffic.bytesOut, labels)
    add(metrics.retries, traffic.retries, labels)
    add(metrics.redispatches, traffic.redispatches, labels)
  }
}
