import Domain
import Wire

extension StatusReport {
  /// A Connection Server.
  package struct Server: Codable, Hashable, Sendable {
    package var name: String
    package var address: Endpoint
    /// Removed from the configuration: its exchanges continue until they end.
    package var isRemoved = false
    /// Nil before the first health check.
    @ShownState package var state: ServerState? = nil
    /// The reason for the state.
    package var reason = ""
    /// When it entered the state; nil while that is unknown.
    package var since: WallTime?
    /// Nil until the worker has reported one.
    package var lastCheck: ServerCheck?
    package var adminState: AdminState?
    /// The effective weight.
    package var weight: UInt64 = 1
    package var configuredWeight: UInt64 = 1
    package var isBackup = false
    /// The names that identify this server, for whichever affinity mode.
    package var names: [String] = []
    package var ports: [UInt16] = []
    /// The most simultaneous requests and tunnels.
    package var limit: UInt64 = 0
    /// Nil until the worker has reported it.
    package var load: ServerLoad?
    /// Since the service started, or the server was added; nil until a worker has reported it.
    package var counts: ServerCounts?

    /// A server with unknown status.
    package init(_ identity: ServerIdentity) { (name, address) = (identity.name, identity.endpoint) }

    package var identity: ServerIdentity { ServerIdentity(name: name, endpoint: address) }

    /// The name of its service, if that has one, and its own.
    package var parts: (service: Substring?, name: Substring) { ServerName.parts(of: name) }

    /// Whether it is up, as its last check says: a new one may be taken for up before its first check.
    package var isConfirmed: Bool { state == .up && lastCheck?.isConfirming == true }

    private enum CodingKeys: String, CodingKey {
      case name, address, state, reason, since, weight, names, ports, limit, load, counts
      case isRemoved = "removed"
      case lastCheck = "last_check"
      case adminState = "admin_state"
      case configuredWeight = "configured_weight"
      case isBackup = "backup"
    }
  }
}
