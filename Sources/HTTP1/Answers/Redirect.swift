import Wire

/// The redirect that the port-80 listener answers with.
public struct Redirect: Sendable {
  /// How the Location is made.
  public enum Destination: Sendable {
    /// The same host, path and query over https, on `port`. The host is the requested one if it is among `services`
    /// (ignoring case, port and a final dot), else the first of them: a client that used the load balancer's address
    /// gets the service's name, and none is redirected to an arbitrary host. `services` must not be empty.
    case https(port: UInt16, services: [[UInt8]])
    /// A fixed location.
    case fixed([UInt8])
  }

  public let destination: Destination
  /// The index of a service by its name.
  private let services: HostTable

  /// Traps when `services` is empty.
  public init(to destination: Destination) {
    self.destination = destination
    guard case .https(_, let services) = destination else {
      self.services = HostTable([])
      return
    }
    precondition(!services.isEmpty, "a redirect to no service")
    self.services = HostTable(services.enumerated().map { (String(decoding: $1, as: UTF8.self), $0) })
  }

  /// Writes the complete response to `head`, which was parsed from `bytes`: 301 for GET and HEAD, 308 for all other
  /// methods, which must not become GET (RFC 9110 §15.4.9). The connection must be closed after it.
  /// `fields`: further lines.
  public func render<Sink: ByteSink & ~Copyable>(
    _ head: RequestHead, from bytes: Span<UInt8>, fields: [UInt8] = [], into sink: inout Sink
  ) {
    let mayChangeMethod = head.method == .get || head.method == .head
    sink.append(mayChangeMethod ? "HTTP/1.1 301 Moved Permanently\r\n" : "HTTP/1.1 308 Permanent Redirect\r\n")
    sink.append("Location: ")
    switch destination {
    case .fixed(let location): sink.append(location.span)
    case .https(let port, let services):
      sink.append("https://")
      // The requested service, or the first, in its configured spelling.
      let asked = self.services.number(ofHost: head.host.slice(of: bytes))
      let service = services[asked ?? 0]
      sink.append(service.span)
      if port != 443 {
        sink.append(UInt8(ascii: ":"))
        sink.append(decimal: UInt64(port))
      }
      // An absolute form may start with its query; an asterisk has no place in a Location.
      if head.path.isEmpty { sink.append(UInt8(ascii: "/")) }
      sink.append(head.pathAndQuery.slice(of: bytes))
    }
    // RFC 9110 §15.4.2, §15.4.9: browsers may otherwise cache it indefinitely, even after the service has moved.
    sink.append("\r\nCache-Control: no-store\r\nContent-Length: 0\r\n")
    sink.append(fields.span)
    sink.append("Connection: close\r\n\r\n")
  }
}
