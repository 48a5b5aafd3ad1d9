import Wire

/// One line of the access log, before it is written: the record, and what surrounds it.
public struct AccessEntry: ~Copyable {
  public let record: AccessRecord
  public let client: Endpoint
  /// The listener's name in the line.
  public let frontend: StaticString
  public let isTLS: Bool
  /// Empty where the configuration has no `services`.
  public let service: String
  /// With its service's name in front of it if that has one; nil when no server was chosen.
  public let server: String?
  /// As it is to be written, secrets hashed or cut.
  public let requestLine: [UInt8]
  /// Clients' connections, this one among them.
  public let connections: Int
  /// Exchanges at the server, this one not counted: its place was given back.
  public let serverConnections: Int
  /// Requests that wait for a place at the server.
  public let queue: Int
  /// Of the configuration that it went by.
  public let configuration: UInt64

  public init(
    record: AccessRecord, client: Endpoint, frontend: StaticString, isTLS: Bool, service: String,
    server: String?, requestLine: [UInt8], connections: Int, serverConnections: Int, queue: Int, configuration: UInt64
  ) {
    self.record = record
    self.client = client
    self.frontend = frontend
    self.isTLS = isTLS
    self.service = service
    self.server = server
    self.requestLine = requestLine
    self.connections = connections
    self.serverConnections = serverConnections
    self.queue = queue
    self.configuration = configuration
  }

  /// Appends what the journal keeps beside the line, as `NAME=value` lines: whom it is about.
  public func renderFields(into sink: inout some ByteSink) {
    sink.append("BELVEDERE_CLIENT=")
    client.address.write(into: &sink)
    if !service.isEmpty {
      sink.append("\nBELVEDERE_SERVICE=")
      sink.append(service.utf8Span.span)
    }
    if let server {
      sink.append("\nBELVEDERE_SERVER=")
      sink.append(server.utf8Span.span)
    }
    sink.append("\nBELVEDERE_CONFIGURATION=")
    sink.append(decimal: configuration)
    if record.status != 0 {
      sink.append("\nBELVEDERE_STATUS=")
      sink.append(decimal: UInt64(record.status))
    }
    sink.append("\n")
  }
}
