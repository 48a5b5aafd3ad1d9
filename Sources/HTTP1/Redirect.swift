import Wire

/// Where the port-80 listener sends its clients.
package struct Redirect: Sendable {
  package enum Destination: Sendable {
    /// The same host, path and query over https, on this port. The host is the one asked for when it is among `services`
    /// (compared without case and port), else the first of them: a redirect never leads to a stranger.
    case https(port: UInt16, services: [[UInt8]])
    /// Always this location.
    case fixed([UInt8])
  }

  package let destination: Destination

  package init(to destination: Destination) {
    self.destination = destination
  }

  /// Writes the whole answer: 301 to GET and HEAD, 308 to all other methods (which must not become GET, RFC 9110
  /// §15.4.9), and `Connection: close`.
  package func render<Sink: ByteSink & ~Copyable>(
    _ head: RequestHead, from bytes: Span<UInt8>, into sink: inout Sink
  ) {
  }
}
