import Wire

/// One line of the access log, before it is written: the record, and what surrounds it.
package struct AccessEntry: ~Copyable {
  package let record: AccessRecord
  package let client: Endpoint
  package let frontend: StaticString
  package let isTLS: Bool
  /// Nil when no server was chosen.
  package let server: String?
  package let requestLine: [UInt8]
  /// Clients' connections, this one among them.
  package let connections: Int
  /// Exchanges at the server, this one not counted: its place was given back.
  package let serverConnections: Int
  package let queue: Int

  package init(
    record: AccessRecord, client: Endpoint, frontend: StaticString, isTLS: Bool, server: String?,
    requestLine: [UInt8], connections: Int, serverConnections: Int, queue: Int
  ) {
    self.record = record
    self.client = client
    self.frontend = frontend
    self.isTLS = isTLS
    self.server = server
    self.requestLine = requestLine
    self.connections = connections
    self.serverConnections = serverConnections
    self.queue = queue
  }
}
