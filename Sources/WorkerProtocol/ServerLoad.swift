import Wire

/// What one server carries at the moment.
package struct ServerLoad: Hashable, Sendable {
  /// The server's name in the configuration.
  package var name: String
  /// Where it runs, as in `ServerChange`.
  package var endpoint: Endpoint
  /// Clients assigned to it.
  package var clients: UInt32
  /// Those of them with a connection to us.
  package var sessions: UInt32
  /// Exchanges under way there, tunnels among them.
  package var exchanges: UInt32
  /// Requests that wait for a place there.
  package var waiting: UInt32
  /// Our connections to it, idle ones among them.
  package var connections: UInt32

  package init(
    name: String, endpoint: Endpoint, clients: UInt32, sessions: UInt32, exchanges: UInt32, waiting: UInt32,
    connections: UInt32
  ) {
    self.name = name
    self.endpoint = endpoint
    self.clients = clients
    self.sessions = sessions
    self.exchanges = exchanges
    self.waiting = waiting
    self.connections = connections
  }
}

extension ServerLoad: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: Text(name, MessageLimit.name), endpoint, clients, sessions, exchanges, waiting, connections)
  }
}

extension FieldReader {
  mutating func serverLoad() throws(MessageError) -> ServerLoad {
    ServerLoad(
      name: try text("server name", limit: MessageLimit.name), endpoint: try endpoint(), clients: try uint32(),
      sessions: try uint32(), exchanges: try uint32(), waiting: try uint32(), connections: try uint32())
  }
}
