import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire
import WorkerProtocol

/// The immutable state of one configuration: its services. Connections keep the snapshot of their service.
final class ConfigurationSnapshot: Sendable {
  let number: UInt64
  let configuration: Configuration
  /// The secrets of the pair; nil without one.
  let secrets: PairSecrets?
  /// In the configuration's order.
  let services: [ServiceSnapshot]
  /// The servers of all services, in order.
  let servers: [SharedServer]
  /// What the listeners lead to, whichever loop they are of.
  private let entrances: [ListenerIdentity: (entrance: Client.Entrance, service: ServiceSnapshot)]

  /// Loads the files of the configuration. Throws the reason, for the operator, when it can not be served.
  init(
    number: UInt64, _ configuration: Configuration, tickets: TicketKeys, sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.number = number
    self.configuration = configuration
    secrets = try configuration.pair.map(PairSecrets.init)
    let rates = configuration.rates.isEmpty ? nil : RateRules(configuration.rates)
    let presence = ServiceSnapshot.Presence(in: sharedState)
    var services: [ServiceSnapshot] = []
    var remaining = sharedState.servers(of: configuration)[...]
    servers = Array(remaining)
    for settings in configuration.services {
      do throws(ConfigurationSnapshotError) {
        services.append(
          try ServiceSnapshot(
            settings, of: number, remaining.prefix(settings.servers.count), presence, rates: rates,
            tickets: tickets, secrets: secrets, sharedState: sharedState))
        remaining = remaining.dropFirst(settings.servers.count)
      } catch {
        throw ConfigurationSnapshotError(Configuration.Service.prefix(settings.name) + error.reason)
      }
    }
    self.services = services
    entrances = Self.entrances(to: services)
  }

  /// The entrance of connections accepted by this listener, and their service until they request a name.
  func entrance(at identity: ListenerIdentity) -> (entrance: Client.Entrance, service: ServiceSnapshot) {
    entrances[identity.ofAnyLoop] ?? Self.entrance(at: identity, to: [services[0]])
  }

  /// Each server's index in its service, and the service, in the order of `servers`.
  var indexedServers: [(server: Int, service: ServiceSnapshot)] {
    services.flatMap { service in service.servers.indices.map { ($0, service) } }
  }

  /// The certificates presented to clients, in the configuration's order.
  var certificates: [CertificatePair] { services.flatMap(\.certificates) }

  /// The index of a server in `servers`; nil when it is not in this snapshot.
  func index(of server: SharedServer) -> Int? { servers.firstIndex { $0 === server } }

  /// The first service of the same mode that has a name in common with one of another snapshot.
  func service(named other: ServiceSnapshot) -> ServiceSnapshot? {
    let names = Set(other.settings.clientNames)
    return services.first {
      $0.isPassthrough == other.isPassthrough && !names.isDisjoint(with: $0.settings.clientNames)
    }
  }

  /// The service that corresponds to one of another snapshot; nil when there is none.
  func service(like other: ServiceSnapshot) -> ServiceSnapshot? {
    services.first {
      $0.settings.name == other.settings.name && $0.isPassthrough == other.isPassthrough
        && $0.backend.affinity === other.backend.affinity
    }
  }
}

/// Why a configuration can not be served, as text for the operator.
struct ConfigurationSnapshotError: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

extension PairSecrets {
  /// Reads the file that the configuration names.
  fileprivate convenience init(_ pair: Configuration.Pair) throws(ConfigurationSnapshotError) {
    do throws(PairSecretsError) { try self.init(contentsOf: pair.secret) } catch {
      throw ConfigurationSnapshotError("\(pair.secret): \(error)")
    }
  }
}
