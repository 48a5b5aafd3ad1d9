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
  /// Of the configuration that it went by.
  package let generation: UInt64

  package init(
    record: AccessRecord, client: Endpoint, frontend: StaticString, isTLS: Bool, server: String?,
    requestLine: [UInt8], connections: Int, serverConnections: Int, queue: Int, generation: UInt64
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
    self.generation = generation
  }

  /// Appends what the journal keeps beside the line, as `NAME=value` lines: whom it is about.
  package func renderFields(into sink: inout some ByteSink) {
    sink.append("BELVEDERE_CLIENT=")
    client.address.write(into: &sink)
    if let server {
      sink.append("\nBELVEDERE_SERVER=")
      sink.append(server.utf8Span.span)
    }
    sink.append("\nBELVEDERE_GENERATION=")
    sink.append(decimal: generation)
    if record.status != 0 {
      sink.append("\nBELVEDERE_STATUS=")
      sink.append(decimal: UInt64(record.status))
    }
    sink.append("\n")
  }
}
