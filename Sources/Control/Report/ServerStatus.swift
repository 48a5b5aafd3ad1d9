import Wire

extension StatusReport {
  /// A Connection Server.
  package struct Server: Codable, Hashable, Sendable {
    /// Which clients it takes, as the report writes it.
    package enum State: String, Codable, Sendable, CaseIterable {
      /// No health check is in yet.
      case unknown
      case up
      case drain
      case maintenance
      case down
    }

    /// What an operator has asked for.
    package struct AdminState: Codable, Hashable, Sendable {
      /// As operators command it; ready is no mode.
      package enum Mode: String, Codable, Sendable, CaseIterable { case drain, maintenance }

      /// Nil when only the weight was set.
      package var mode: Mode?
      /// Nil when only the mode was set.
      package var weight: UInt64?
      package var since: WallTime

      package init(mode: Mode?, weight: UInt64?, since: WallTime) {
        self.mode = mode
        self.weight = weight
        self.since = since
      }
    }

    /// What it carries, measured about once a second.
    package struct Load: Codable, Hashable, Sendable {
      /// Clients that stay with this server: connected, or seen within `affinity.hold`.
      package var clients: UInt64
      /// Those of them that are connected.
      package var sessions: UInt64
      /// Requests and tunnels under way.
      package var exchanges: UInt64
      /// Requests that wait for a place.
      package var waiting: UInt64
      /// Connections to it, idle ones among them.
      package var connections: UInt64

      package init(clients: UInt64, sessions: UInt64, exchanges: UInt64, waiting: UInt64, connections: UInt64) {
        self.clients = clients
        self.sessions = sessions
        self.exchanges = exchanges
        self.waiting = waiting
        self.connections = connections
      }
    }

    package var name: String
    package var address: String
    /// The configuration does not name it any more: what ran there goes on until it ends.
    package var isRemoved = false
    package var state = State.unknown
    /// Why it is in this state.
    package var reason = ""
    /// Since when; nil while the state is unknown.
    package var since: WallTime?
    package var adminState: AdminState?
    /// The weight in force.
    package var weight: UInt64 = 1
    package var configuredWeight: UInt64 = 1
    package var isBackup = false
    /// How many requests and tunnels it is given at once.
    package var limit: UInt64 = 0
    /// Nil while no worker has told of it.
    package var load: Load?

    package init(name: String, address: String) {
      self.name = name
      self.address = address
    }

    private enum CodingKeys: String, CodingKey {
      case name, address, state, reason, since, weight, limit, load
      case isRemoved = "removed"
      case adminState = "admin_state"
      case configuredWeight = "configured_weight"
      case isBackup = "backup"
    }
  }
}
