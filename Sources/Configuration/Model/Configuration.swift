import Domain
import Wire

/// What one configuration file says, complete: every default filled in, every derived value worked out, every rule of
/// the file checked. An immutable value once loaded; each part is a plain struct whose initial values *are* the
/// defaults that `docs/configuration.md` prints.
///
/// A configuration that came out of `load` has at least one service, and each of its services at least one name, one
/// listener and one server, and in `http` mode at least one certificate.
package struct Configuration: Equatable, Sendable {
  /// What is done with a connection.
  package enum Mode: String, CaseIterable, Sendable {
    /// TLS ends here, requests are routed one by one and encrypted again on the way to the server.
    case http
    /// TCP is relayed unread; TLS ends on the Connection Servers.
    case passthrough
  }

  /// In the order of the file; one without a name where the file has no `services`.
  package var services: [Service]
  package var limits = Limits()
  /// Where the servers' administrative states are kept over a restart; nil: nowhere.
  package var serverStateFile: String?
  package var log = Log()
  /// Event-loop threads of the worker; nil: one for each CPU that the process may use.
  package var threads: Int?
  /// The virtual addresses that a pair shares; none when something else looks after them.
  package var virtualRouters: [VirtualRouter] = []

  /// The most that an error page may have: it must fit into one buffer together with its head.
  package static let errorPageBytes = 16 * 1024

  /// The servers of all services, in their order.
  package var servers: [Server] { services.flatMap(\.servers) }

  /// What Belvedere answers by itself, and so may have an error page for: the same as `HTTP1.Status`.
  package static let statusCodes: [UInt16] = [
    400, 403, 405, 408, 413, 414, 417, 421, 431, 500, 501, 502, 503, 504, 505,
  ]
}
