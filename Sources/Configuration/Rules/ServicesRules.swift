import Balancing
import Wire

/// The rules between services.
extension Rules {
  /// Each has certificates and a table of clients of its own.
  private static let mostServices = 64

  static func checkServices(_ configuration: Configuration, _ reader: inout Reader) {
    let services = configuration.services
    guard services.count > 1, let place = reader.site(Schema.servicesKey)?.key else { return }
    guard services.count <= mostServices else {
      return reader.error("more than \(mostServices) services are not supported", at: place)
    }
    if configuration.servers.count > ServerSet.capacity {
      reader.error("more than \(ServerSet.capacity) servers in all are not supported", at: place)
    }
    checkPlaces(services, &reader)
  }

  /// Where a service listens, and by which of its keys.
  private struct Claim {
    let service: Configuration.Service
    let listener: Configuration.Listener
    let path: [String]

    static func all(of service: Configuration.Service) -> [Claim] {
      let paths = [
        (["listen"], service.listeners), (["redirect", "listen"], service.redirect?.listeners ?? []),
        (["servers"], service.serverListeners), (["relay", "tcp"], service.relayListeners),
      ]
      return paths.flatMap { path, listeners in
        listeners.enumerated().map { Claim(service: service, listener: $1, path: path + [String($0)]) }
      }
    }

    /// Connections to both are one socket's. An address of its own is another one than all addresses.
    var socket: Configuration.Listener {
      .init(address: listener.address.flatMap { $0.isUnspecified ? nil : $0 }, port: listener.port)
    }

    /// Whether clients that come to both can be told apart by the name that they ask for.
    func sharesPlace(with other: Claim) -> Bool {
      listener == other.listener && path[0] == other.path[0] && path[0] == "redirect"
    }
  }

  private static func checkPlaces(_ services: [Configuration.Service], _ reader: inout Reader) {
    var earlier: [Configuration.Listener: Claim] = [:]
    for service in services {
      reader.within(service) { reader in
        let claims = Claim.all(of: service)
        for claim in claims {
          guard let other = earlier[claim.socket], !claim.sharesPlace(with: other) else { continue }
          let place = reader.mark(at: claim.path) ?? reader.mark(claim.path[0]) ?? reader.keyMark
          reader.error(
            "`\(claim.listener)` is taken by `\(other.path[0])` of service \(other.service.name)", at: place)
        }
        earlier.merge(claims.map { ($0.socket, $0) }) { first, _ in first }
      }
    }
  }
}
