import Domain
import Wire

/// The complete contents of one configuration file, with all defaults and derived values filled in and all rules
/// checked. It is immutable once loaded; each part is a plain struct whose initial values are the defaults in
/// `docs/configuration.md`.
///
/// A configuration from `load` has at least one service, and each of its services at least one name, one listener and
/// one server, and in `http` mode at least one certificate.
package struct Configuration: Equatable, Sendable {
  /// How connections are handled.
  package enum Mode: String, CaseIterable, Sendable {
    /// TLS is terminated; each request is routed separately and encrypted again on the connection to the server.
    case http
    /// TCP is relayed without being parsed; TLS is terminated by the Connection Servers.
    case passthrough
  }

  /// In the file's order; one service without a name if the file has no `services`.
  package var services: [Service]
  package var limits = Limits()
  package var rates = Rates()
  /// The file that keeps the servers' administrative states over a restart; nil for none.
  package var serverStateFile: String?
  package var log = Log()
  /// The number of the worker's event loop threads; nil: one for each CPU that the process may use.
  package var threads: Int?
  /// The virtual addresses of a pair; empty if other software manages them.
  package var virtualRouters: [VirtualRouter] = []
  /// The nodes that know of each other; nil if this one knows of none.
  package var pair: Pair?
  /// The settings of `belvedere observe`; nil if it is not used.
  package var observer: Observer?

  /// Maximum size of an error page: it must fit into one buffer together with its head.
  package static let errorPageBytes = 16 * 1024

  /// A page of Belvedere's own that a file may replace.
  package enum OwnPage: Hashable, Sendable {
    /// One of `statusCodes`.
    case error(UInt16)
    /// The answer of a service in maintenance.
    case maintenance
  }

  /// The servers of all services, in order.
  package var servers: [Server] { services.flatMap(\.servers) }

  /// The statuses of Belvedere's own responses, which may have custom error pages: the same as `HTTP1.Status`.
  package static let statusCodes: [UInt16] = [
    400, 403, 405, 408, 413, 414, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505,
  ]
}
