import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

extension Client {
  /// Writes the exchange's line, once, when it has ended.
  mutating func logExchange(_ world: inout World) {
    guard world.accessLog.isOpen, exchange.value.record.began != nil else { return }
    let occupancy = server.map { generation.roster.servers[$0].occupancy } ?? (active: 0, waiting: 0)
    if requestLine.isEmpty, service != .passthrough { noteUnreadable() }
    let entry = AccessEntry(
      record: exchange.value.record, client: peer, frontend: frontend, isTLS: service == .https,
      server: server.map { generation.servers[$0].name }, requestLine: requestLine,
      connections: world.fleet.connectionCount,
      serverConnections: max(0, occupancy.active - (isAdmitted ? 1 : 0)),
      queue: occupancy.waiting, generation: generation.number)
    world.accessLog.add(entry, monotonic: world.now)
    exchange.value.record.began = nil
  }

  /// There is no request line to be logged.
  mutating func noteUnreadable() {
    requestLine.append(contentsOf: LoggedRequestLine.unreadable.description.utf8)
  }

  /// Whom a message about this client is about.
  var subject: Logger.Metadata { ["client": "\(peer.address)", "generation": "\(generation.number)"] }

  private var frontend: StaticString {
    switch service {
    case .https: "https"
    case .redirect: "redirect"
    case .passthrough: "passthrough"
    }
  }
}
