import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

extension ClientConnection {
  /// Writes the exchange's line. To be asked for while the log is open.
  mutating func logExchange(_ context: inout LoopContext) {
    let occupancy = server.map { snapshot.backend.servers[$0].occupancy } ?? (active: 0, waiting: 0)
    if requestLine.isEmpty, service != .passthrough { noteUnreadable() }
    let entry = AccessEntry(
      record: exchange.value.record, client: peer, frontend: frontend, isTLS: service == .https,
      server: server.map { snapshot.servers[$0].name }, requestLine: requestLine,
      connections: context.sharedState.connectionCount,
      serverConnections: max(0, occupancy.active - (isAdmitted ? 1 : 0)),
      queue: occupancy.waiting, generation: snapshot.number)
    context.accessLog.add(entry, monotonic: context.now)
  }

  /// There is no request line to be logged.
  private mutating func noteUnreadable() {
    requestLine.append(contentsOf: LoggedRequestLine.unreadable.description.utf8)
  }

  /// Whom a message about this client is about.
  var subject: Logger.Metadata { ["client": "\(peer.address)", "generation": "\(snapshot.number)"] }

  private var frontend: StaticString {
    switch service {
    case .https: "https"
    case .redirect: "redirect"
    case .passthrough: "passthrough"
    }
  }
}
