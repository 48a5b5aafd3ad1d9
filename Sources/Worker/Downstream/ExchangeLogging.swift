import Balancing
import Configuration
import Domain
import Exchange
import Linux

extension ActiveExchange {
  /// Records the exchange in the access log and in traces. Must be called only while there is either.
  mutating func log(_ client: inout Client, _ context: inout LoopContext) {
    let isAdmitted = if case .admitted = position { true } else { false }
    let occupancy = server.map { snapshot.backend.servers[$0].occupancy } ?? (active: 0, waiting: 0)
    if requestLine.isEmpty, exchange.kind != .opaque {
      requestLine.append(contentsOf: LoggedRequestLine.unreadable.description.utf8)
    }
    let entry = AccessEntry(
      record: exchange.record, client: identity(on: client).endpoint, frontend: client.frontend,
      isTLS: client.entrance.hasTLS, service: snapshot.settings.name,
      server: server.map { snapshot.servers[$0].identity.name }, rule: refusal.map(snapshot.ruleName),
      certificate: client.certificate.subject, requestLine: requestLine,
      connections: context.sharedState.connectionCount,
      serverConnections: max(0, occupancy.active - (isAdmitted ? 1 : 0)),
      queue: occupancy.waiting, configuration: snapshot.number)
    context.reports.accessLog.add(entry, monotonic: context.now)
    if context.reports.traces.isActive { report(entry, &client, &context) }
    context.reports.accessLog.giveBack(&requestLine)
  }
}

extension Client {
  fileprivate var frontend: StaticString {
    switch entrance.kind {
    case .relayed: "https"
    case .redirected: "redirect"
    case .opaque: entrance.isRelay ? "relay" : "passthrough"
    }
  }
}
