import Domain

extension Configuration {
  /// One service: its names, listeners and servers.
  package struct Service: Equatable, Sendable {
    /// The name in the log, the status and commands; empty if the file has no `services`.
    package var name = ""
    package var mode = Mode.http
    /// The names that clients use. The first is the canonical one.
    package var names: [ServiceName] = []
    /// The addresses and ports for clients: for TLS in `http` mode, for any protocol in `passthrough` mode.
    package var listeners = [Listener(address: nil, port: 443)]
    /// The plain-text listeners that redirect clients to https; nil when disabled.
    package var redirect: Redirect? = Redirect()
    package var relay = Relay()
    /// The certificates and TLS settings for clients. Ignored in `passthrough` mode.
    package var tls = TLSTermination()
    /// In the file's order. Names are unique within a service.
    package var servers: [Server] = []
    /// The default for servers without their own `trust`.
    package var trust = Trust.system
    /// The default for servers without their own `tls-profile`.
    package var serverTLSProfile = TLSProfile.intermediate
    /// For the TLS profiles of all servers.
    package var serverTLS = TLSRestrictions()
    package var health = Health()
    package var affinity = Affinity()
    package var forwarded = Forwarded()
    package var access = Access()
    package var headers = Headers()
    /// Strict-Transport-Security for clients; nil: not sent.
    package var transportSecurity: TransportSecurity?
    package var requests = Requests()
    package var pool = Pool()
    package var timeouts = Timeouts()
    package var limits = Limits()
    /// Maximum of retries of a request that was not sent or is idempotent, to the same or another server.
    package var retries = 3
    /// Files with custom pages.
    package var pages: [OwnPage: String] = [:]

    package init() {}

    /// The listeners that are dedicated to one server.
    package var serverListeners: [Listener] { listeners(at: servers.flatMap(\.ports)) }

    /// The listeners whose TCP connections are relayed to the same port of the client's server.
    package var relayListeners: [Listener] { listeners(at: relay.tcp) }

    /// Where UDP comes in that is relayed likewise.
    package var datagramListeners: [Listener] { listeners(at: relay.udp) }

    /// These ports on every address of `listen`.
    private func listeners(at ports: [UInt16]) -> [Listener] {
      let all = listeners.map(\.address).removingDuplicates()
      // `*` includes the others.
      let addresses = all.contains(nil) ? [nil] : all
      return ports.removingDuplicates().flatMap { port in addresses.map { Listener(address: $0, port: port) } }
    }

    /// All names that clients use, those of the service first.
    package var allNames: [ServiceName] { names + servers.flatMap(\.names) }

    /// The names that distinguish its clients from those of other services with the same listener.
    package var clientNames: [ServiceName] { allNames + (mode == .http ? requests.hosts ?? [] : []) }

    /// The service's first name: the target of redirects for requests with an unknown Host, the Host of health checks,
    /// and the name verified in a server's certificate unless the server has a `server-name`.
    package var canonicalName: String { names.first?.text ?? "" }

    /// The prefix of messages about a service: empty if it has no name.
    package static func prefix(_ name: String) -> String { name.isEmpty ? "" : "service \(name): " }
  }
}
