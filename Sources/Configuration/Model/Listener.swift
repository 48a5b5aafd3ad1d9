import Wire

extension Configuration {
  /// A TCP address and port to accept connections on. Every listener is bound with IP_FREEBIND, so the address need not
  /// exist: the node that is Backup does not have the virtual address.
  package struct Listener: Hashable, Sendable, CustomStringConvertible {
    /// Nil for all addresses of the machine (`*`): one IPv6 socket that also accepts IPv4, or an IPv4 socket if the
    /// kernel has no IPv6. `0.0.0.0` and `::` mean only their own family.
    package var address: IPAddress?
    package var port: UInt16

    package init(address: IPAddress?, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// In the file's form: `*:443`, `192.168.1.170:443`, `[::]:443`.
    package var description: String { address.map { "\(Endpoint(address: $0, port: port))" } ?? "*:\(port)" }
  }

  /// The plain-text listeners that only redirect to https: with 301 for GET and HEAD, and 308 for other methods, which
  /// must not become GET (RFC 9110 §15.4.9).
  package struct Redirect: Equatable, Sendable {
    /// Unless the file has others: port 80 of each address of `listen`.
    package var listeners = [Listener(address: nil, port: 80)]
    /// A fixed target for every request; nil: https with the request's host (if it is one of the service's names,
    /// otherwise the canonical one), path and query.
    package var location: String?

    package init() {}
  }
}
