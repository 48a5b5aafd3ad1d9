import Wire

/// Where the port-80 listener sends its clients.
public struct Redirect: Sendable {
  /// What a client's Location is made of.
  public enum Destination: Sendable {
    /// The same host, path and query over https, on `port`. The host is the one asked for when it is among `services`
    /// (compared without case, port and final dot), else the first of them: who typed the address of the balancer gets
    /// the service's name, and nobody is ever led to a stranger. `services` must not be empty.
    case https(port: UInt16, services: [[UInt8]])
    /// Always this location.
    case fixed([UInt8])
  }

  public let destination: Destination
  /// By the names of the services, which of them it is.
  private let services: HostTable

  /// Traps when a redirect to services names none.
  public init(to destination: Destination) {
    self.destination = destination
    guard case .https(_, let services) = destination else {
      self.services = HostTable([])
      return
    }
    precondition(!services.isEmpty, "a redirect to no service")
    self.services = HostTable(services.enumerated().map { (String(decoding: $1, as: UTF8.self), $0) })
  }

  /// Writes the whole answer to `head`, which was parsed from `bytes`: 301 to GET and HEAD, 308 to all other methods,
  /// which must not become GET (RFC 9110 §15.4.9). The connection is to be closed behind it.
  public func render<Sink: ByteSink & ~Copyable>(
    _ head: RequestHead, from bytes: Span<UInt8>, into sink: inout Sink
  ) {
    let mayChangeMethod = head.method == .get || head.method == .head
    sink.append(mayChangeMethod ? "HTTP/1.1 301 Moved Permanently\r\n" : "HTTP/1.1 308 Permanent Redirect\r\n")
    sink.append("Location: ")
    switch destination {
    case .fixed(let location): sink.append(location.span)
    case .https(let port, let services):
      sink.append("https://")
      // The configured spelling of the service that was asked for, or of the first.
      let asked = self.services.number(ofHost: head.host.slice(of: bytes))
      let service = services[asked ?? 0]
      sink.append(service.span)
      if port != 443 {
        sink.append(UInt8(ascii: ":"))
        sink.append(decimal: UInt64(port))
      }
      // An absolute form may begin with its query; the asterisk has no place in a location.
      if head.path.isEmpty { sink.append(UInt8(ascii: "/")) }
      sink.append(head.pathAndQuery.slice(of: bytes))
    }
    // RFC 9110 §15.4.2, §15.4.9: without it a browser may keep this one for ever, when the service has long moved.
    sink.append("\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
  }
}
