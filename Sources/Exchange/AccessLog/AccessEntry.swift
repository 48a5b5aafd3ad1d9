import Wire

/// One access log line before formatting: the record, and the data of its connection, server and process.
public struct AccessEntry: ~Copyable {
  public let record: AccessRecord
  public let client: Endpoint
  /// The listener's name in the line.
  public let frontend: StaticString
  public let isTLS: Bool
  /// Empty where the configuration has no `services`.
  public let service: String
  /// Prefixed with its service's name if there is one; nil when no server was chosen.
  public let server: String?
  /// The rule of `access` or `rates` that refused the request: its path, or a word; nil if none did.
  public let rule: String?
  /// The subject of the certificate that the client was admitted with; empty without one.
  public let certificate: [UInt8]
  /// As logged, with secrets hashed or removed.
  public let requestLine: [UInt8]
  /// Number of client connections, including this one.
  public let connections: Int
  /// Number of exchanges at the server, without this one: it has released its slot.
  public let serverConnections: Int
  /// Number of requests in the server's queue.
  public let queue: Int
  /// The number of the configuration that the exchange used.
  public let configuration: UInt64

  public init(
    record: AccessRecord, client: Endpoint, frontend: StaticString, isTLS: Bool, service: String,
    server: String?, rule: String? = nil, certificate: [UInt8] = [], requestLine: [UInt8], connections: Int,
    serverConnections: Int, queue: Int, configuration: UInt64
  ) {
    self.record = record
    self.client = client
    self.frontend = frontend
    self.isTLS = isTLS
    self.service = service
    self.server = server
    self.rule = rule
    self.certificate = certificate
    self.requestLine = requestLine
    self.connections = connections
    self.serverConnections = serverConnections
    self.queue = queue
    self.configuration = configuration
  }

  /// Appends the journal's fields of the line as `NAME=value` lines: client, service, server, configuration and status.
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
    if let rule {
      sink.append("\nBELVEDERE_RULE=")
      sink.append(rule.utf8Span.span)
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
