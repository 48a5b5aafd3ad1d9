import Domain
import Wire

/// What one configuration file says, complete: every default filled in, every derived value worked out, every rule of
/// the file checked. An immutable value once loaded; each part is a plain struct whose initial values *are* the
/// defaults that `docs/configuration.md` prints.
///
/// A configuration that came out of `load` has at least one service name, one listener and one server, and in `http`
/// mode at least one certificate.
package struct Configuration: Equatable, Sendable {
  /// What is done with a connection.
  package enum Mode: String, CaseIterable, Sendable {
    /// TLS ends here, requests are routed one by one and encrypted again on the way to the server.
    case http
    /// TCP is relayed unread; TLS ends on the Connection Servers.
    case passthrough
  }

  package var mode = Mode.http
  /// The names that clients use. The first is the canonical one.
  package var service: [ServiceName]
  /// Where clients connect: for TLS in `http` mode, for whatever they bring in `passthrough` mode.
  package var listeners = [Listener(address: nil, port: 443)]
  /// The plain-text listeners that only send clients to https; nil when switched off.
  package var redirect: Redirect? = Redirect()
  /// The certificates and the TLS rules shown to clients. Without meaning in `passthrough` mode.
  package var tls = TLSTermination()
  /// In the order of the file. Names are unique.
  package var servers: [Server]
  /// What servers without a `trust` of their own were given.
  package var trust = Trust.system
  /// The same of a `tls-profile`.
  package var serverTLSProfile = TLSProfile.intermediate
  package var health = Health()
  package var affinity = Affinity()
  /// Where the servers' administrative states are kept over a restart; nil: nowhere.
  package var serverStateFile: String?
  package var forwarded = Forwarded()
  package var requests = Requests()
  package var pool = Pool()
  package var timeouts = Timeouts()
  package var limits = Limits()
  /// How many times a request of which nothing was sent is tried again, here or on another server.
  package var retries = 3
  /// Files that replace Belvedere's own error pages, by status code.
  package var errorPages: [UInt16: String] = [:]
  package var log = Log()
  /// Event-loop threads of the worker; nil: one for each CPU that the process may use.
  package var threads: Int?
  /// The virtual addresses that a pair shares; none when something else looks after them.
  package var virtualRouters: [VirtualRouter] = []

  /// The most that an error page may have: it must fit into one buffer together with its head.
  package static let errorPageBytes = 16 * 1024

  /// Where Belvedere listens for one server alone.
  package var serverListeners: [Listener] {
    let all = listeners.map(\.address).removingDuplicates()
    // `*` covers the others.
    let addresses = all.contains(nil) ? [nil] : all
    return servers.flatMap(\.ports).removingDuplicates().flatMap { port in
      addresses.map { Listener(address: $0, port: port) }
    }
  }

  /// Every name that clients use, the service's first.
  package var names: [ServiceName] { service + servers.flatMap(\.names) }

  /// The service's first name: what redirects point to when a request's Host is not one of ours, what health checks
  /// send as Host, and what a server's certificate must be good for unless the server has a `server-name`.
  package var canonicalName: String {
    service.first?.text ?? ""
  }

  /// What Belvedere answers by itself, and so may have an error page for: the same as `HTTP1.Status`.
  package static let statusCodes: [UInt16] = [
    400, 403, 405, 408, 413, 414, 417, 421, 431, 500, 501, 502, 503, 504, 505,
  ]
}
