import Domain

extension Configuration {
  /// One service: the names and places that clients know it by, and the servers behind it.
  package struct Service: Equatable, Sendable {
    /// As log, status and commands call it; empty where the file has no `services`.
    package var name = ""
    package var mode = Mode.http
    /// The names that clients use. The first is the canonical one.
    package var names: [ServiceName] = []
    /// Where clients connect: for TLS in `http` mode, for whatever they bring in `passthrough` mode.
    package var listeners = [Listener(address: nil, port: 443)]
    /// The plain-text listeners that only send clients to https; nil when switched off.
    package var redirect: Redirect? = Redirect()
    package var relay = Relay()
    /// The certificates and the TLS rules shown to clients. Without meaning in `passthrough` mode.
    package var tls = TLSTermination()
    /// In the order of the file. Names are unique within a service.
    package var servers: [Server] = []
    /// What servers without a `trust` of their own were given.
    package var trust = Trust.system
    /// The same of a `tls-profile`.
    package var serverTLSProfile = TLSProfile.intermediate
    package var health = Health()
    package var affinity = Affinity()
    package var forwarded = Forwarded()
    package var requests = Requests()
    package var pool = Pool()
    package var timeouts = Timeouts()
    package var limits = Limits()
    /// How many times a request of which nothing was sent is tried again, here or on another server.
    package var retries = 3
    /// Files that replace Belvedere's own error pages, by status code.
    package var errorPages: [UInt16: String] = [:]

    package init() {}

    /// Where Belvedere listens for one server alone.
    package var serverListeners: [Listener] { listeners(at: servers.flatMap(\.ports)) }

    /// Where it listens for TCP connections that are relayed to the same port of the client's server.
    package var relayListeners: [Listener] { listeners(at: relay.tcp) }

    /// These ports on every address of `listen`.
    private func listeners(at ports: [UInt16]) -> [Listener] {
      let all = listeners.map(\.address).removingDuplicates()
      // `*` covers the others.
      let addresses = all.contains(nil) ? [nil] : all
      return ports.removingDuplicates().flatMap { port in addresses.map { Listener(address: $0, port: port) } }
    }

    /// Every name that clients use, the service's first.
    package var allNames: [ServiceName] { names + servers.flatMap(\.names) }

    /// The names that tell its clients from those of other services at the same place.
    package var clientNames: [ServiceName] { allNames + (mode == .http ? requests.hosts ?? [] : []) }

    /// The service's first name: what redirects point to when a request's Host is not one of ours, what health checks
    /// send as Host, and what a server's certificate must be good for unless the server has a `server-name`.
    package var canonicalName: String { names.first?.text ?? "" }

    /// What a message about a service begins with: nothing where it has no name.
    package static func prefix(_ name: String) -> String { name.isEmpty ? "" : "service \(name): " }
  }
}
