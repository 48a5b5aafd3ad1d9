import Wire

extension Configuration {
  /// An address and TCP port to accept connections on. Every listener is bound with IP_FREEBIND, so the address may
  /// be absent: the virtual address is, on the node that does not hold it.
  package struct Listener: Hashable, Sendable {
    /// Nil stands for every address of the machine (`*`): one IPv6 socket that takes IPv4 too, or an IPv4 socket
    /// where the kernel has no IPv6. `0.0.0.0` and `::` mean their own family only.
    package var address: IPAddress?
    package var port: UInt16

    package init(address: IPAddress?, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// `*:443`, `192.0.2.1:443`.
    package var text: String { address.map { "\(Endpoint(address: $0, port: port))" } ?? "*:\(port)" }
  }

  /// The plain-text listeners whose only answer is a redirect to https: 301 to GET and HEAD, 308 to other methods, which
  /// must not become GET (RFC 9110 §15.4.9).
  package struct Redirect: Equatable, Sendable {
    /// Unless the file says otherwise: port 80 of each address that `listen` names.
    package var listeners = [Listener(address: nil, port: 80)]
    /// A fixed target for every request; nil: https with the request's own host (when it is one of the service's
    /// names, otherwise the canonical one), path and query.
    package var location: String?

    package init() {}
  }
}
