import Domain
import Exchange
import Linux
import Wire

extension ActiveExchange {
  /// Counts the exchange, which has ended, for its service and its server.
  mutating func count(_ context: inout LoopContext) {
    let kind = exchange.kind
    context.reports.services.change(snapshot.counters) { $0.traffic.count(exchange.record, kind) }
    guard let server else { return }
    context.reports.servers.change(snapshot.servers[server].counters) { counts in
      counts.traffic.count(exchange.record, kind)
      counts.countTimes(exchange.record, until: context.now)
    }
  }

  /// Counts a new connection to its server, which has just been established.
  mutating func countConnection(_ context: inout LoopContext) {
    guard let server, case .connecting(let since) = exchange.state else { return }
    let took = context.now - since
    context.reports.servers.change(snapshot.servers[server].counters) { $0.connectTime.add(took) }
  }

  /// Counts a failure of the server that is evidence against it: of the connection while that is not established.
  @inline(never)
  func countFailure(of server: Int, _ context: inout LoopContext) {
    let isConnected = connection.map { context.servers[$0].phase == .open } ?? false
    context.reports.servers.change(snapshot.servers[server].counters) { counts in
      if isConnected { counts.responseFailures &+= 1 } else { counts.connectFailures &+= 1 }
    }
  }
}

extension LoopContext {
  /// Counts a flow of datagrams, which has ended.
  mutating func count(_ record: AccessRecord, of server: Int, _ snapshot: ServiceSnapshot) {
    reports.services.change(snapshot.counters) { $0.traffic.count(record, nil) }
    reports.servers.change(snapshot.servers[server].counters) { $0.traffic.count(record, nil) }
  }
}

extension TrafficCounts {
  /// Counts what has ended; `kind`: nil for a flow of datagrams.
  @inline(always)
  fileprivate mutating func count(_ record: borrowing AccessRecord, _ kind: Exchange.Kind?) {
    switch kind {
    case .relayed, .redirected: requests &+= 1
    case .opaque: connections &+= 1
    case nil: flows &+= 1
    }
    responses.count(record.status)
    bytesIn &+= record.bytesFromClient
    bytesOut &+= record.bytesToClient
    if record.isUnusual { countUnusual(record) }
  }

  @inline(never)
  private mutating func countUnusual(_ record: borrowing AccessRecord) {
    if record.isOwnResponse { responses.own &+= 1 }
    retries &+= UInt64(truncatingIfNeeded: record.retries)
    if record.redispatched { redispatches &+= 1 }
    terminations.count(record.termination.cause)
  }
}

extension ServerCounts {
  @inline(always)
  fileprivate mutating func countTimes(_ record: borrowing AccessRecord, until end: Instant) {
    if let began = record.began { totalTime.add(end - began) }
    guard !record.isOwnResponse, let connected = record.connected, let responded = record.responded else { return }
    responseTime.add(responded - connected)
  }
}

extension TerminationCounts {
  fileprivate mutating func count(_ cause: Termination.Cause) {
    switch cause {
    case .normal: break
    case .client: client &+= 1
    case .server: server &+= 1
    case .proxy: proxy &+= 1
    case .resource: resource &+= 1
    case .down: down &+= 1
    case .killed: killed &+= 1
    case .clientTimeout: clientTimeout &+= 1
    case .serverTimeout: serverTimeout &+= 1
    case .local: local &+= 1
    }
  }
}
