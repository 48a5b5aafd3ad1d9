import Domain
import Wire

extension StatusReport {
  /// A Connection Server.
  package struct Server: Codable, Hashable, Sendable {
    package var name: String
    package var address: Endpoint
    /// The configuration does not name it any more: what ran there goes on until it ends.
    package var isRemoved = false
    /// Nil: no health check is in yet.
    package var state: ServerState? {
      get { shownState.state }
      set { shownState.state = newValue }
    }
    private var shownState = ShownState()
    /// Why it is in this state.
    package var reason = ""
    /// Since when; nil while the state is unknown.
    package var since: WallTime?
    /// Nil while no worker has told of one.
    package var lastCheck: ServerCheck?
    package var adminState: AdminState?
    /// The weight in force.
    package var weight: UInt64 = 1
    package var configuredWeight: UInt64 = 1
    package var isBackup = false
    /// What means this server, whatever its clients are known by.
    package var names: [String] = []
    package var ports: [UInt16] = []
    /// How many requests and tunnels it is given at once.
    package var limit: UInt64 = 0
    /// Nil while no worker has told of it.
    package var load: ServerLoad?

    /// One of which no more is known yet.
    package init(_ place: ServerPlace) { (name, address) = (place.name, place.endpoint) }

    package var place: ServerPlace { ServerPlace(name: name, endpoint: address) }

    private enum CodingKeys: String, CodingKey {
      case name, address, reason, since, weight, names, ports, limit, load
      case isRemoved = "removed"
      case shownState = "state"
      case lastCheck = "last_check"
      case adminState = "admin_state"
      case configuredWeight = "configured_weight"
      case isBackup = "backup"
    }

    /// As JSON and texts have it.
    var stateWord: String { shownState.word }

    private struct ShownState: Codable, Hashable {
      var state: ServerState?
      var word: String { state.map { "\($0)" } ?? "unknown" }

      init() {}

      init(from decoder: any Decoder) throws {
        let word = try String(from: decoder)
        state = ServerState.allCases.first { "\($0)" == word }
        guard word == self.word else { throw ControlFault.field("state") }
      }

      func encode(to encoder: any Encoder) throws { try word.encode(to: encoder) }
    }
  }
}
