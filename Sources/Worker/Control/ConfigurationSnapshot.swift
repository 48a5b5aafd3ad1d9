import Configuration
import Domain
import TLS
import Wire

/// Everything that follows from one configuration: its services. Immutable; what runs keeps the snapshot of its service.
final class ConfigurationSnapshot: Sendable {
  let number: UInt64
  let configuration: Configuration
  /// In the configuration's order.
  let services: [ServiceSnapshot]
  /// Those of all services, in their order.
  let servers: [SharedServer]

  /// Loads what the configuration names. Throws a reason for a person when it can not be served.
  init(
    number: UInt64, _ configuration: Configuration, tickets: TicketKeys, sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.number = number
    self.configuration = configuration
    let presence = ServiceSnapshot.Presence(in: sharedState)
    var services: [ServiceSnapshot] = []
    var servers: [SharedServer] = []
    for settings in configuration.services {
      do throws(ConfigurationSnapshotError) {
        let service = try ServiceSnapshot(
          settings, of: number, firstServer: servers.count, presence, tickets: tickets, sharedState: sharedState)
        services.append(service)
        servers += service.backend.servers
      } catch {
        throw ConfigurationSnapshotError(Configuration.Service.prefix(settings.name) + error.reason)
      }
    }
    self.services = services
    self.servers = servers
  }

  /// Each server by its index in its service, in the order of `servers`.
  var places: [(server: Int, service: ServiceSnapshot)] {
    services.flatMap { service in service.servers.indices.map { ($0, service) } }
  }

  /// What clients are shown, in the configuration's order.
  var certificates: [CertificatePair] { services.flatMap(\.certificates) }

  /// Where a server is in `servers`; nil when this snapshot does not have it.
  func index(of server: SharedServer) -> Int? { servers.firstIndex { $0 === server } }

  /// The service that another snapshot's clients belong to as well; nil when there is none.
  func service(like other: ServiceSnapshot) -> ServiceSnapshot? {
    services.first {
      $0.settings.name == other.settings.name && $0.isPassthrough == other.isPassthrough
        && $0.backend.affinity === other.backend.affinity
    }
  }
}

/// Why a configuration can not be served, in words for a person.
struct ConfigurationSnapshotError: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
