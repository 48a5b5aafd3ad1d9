import Configuration
import HTTP1
import Wire
import WorkerProtocol

/// Services that share a listener, distinguished by the names that clients request.
final class NamedServices: Sendable {
  private let services: [ServiceSnapshot]
  /// Each name with the service's index in `services`.
  private let names: HostTable

  /// Nil for fewer than two services. A name of two services belongs to the first.
  init?(_ services: [ServiceSnapshot]) {
    guard services.count > 1 else { return nil }
    self.services = services
    names = HostTable(
      services.enumerated().flatMap { index, service in
        service.settings.clientNames.map { ($0.host, index) }
      })
  }

  /// The service of this Host; the first one if no service has the name.
  func service(ofHost host: Span<UInt8>) -> ServiceSnapshot { services[names.number(ofHost: host) ?? 0] }

  /// The same for the server name in a ClientHello.
  func service(ofName name: Span<UInt8>) -> ServiceSnapshot { services[names.number(of: name) ?? 0] }
}

extension ConfigurationSnapshot {
  /// The entrance of connections accepted by this listener, and their service until they request a name.
  func entrance(at place: ListenerPlace) -> (entrance: Client.Entrance, service: ServiceSnapshot) {
    let found = services.filter { $0.listens(at: place) }
    let (first, several) = (found.first ?? services[0], NamedServices(found))
    let kind: Client.Service =
      switch place.purpose {
      case .redirect: .redirect
      case .relay, .datagrams: .passthrough
      case .service: several == nil && first.isPassthrough ? .passthrough : .https
      }
    return (
      Client.Entrance(service: kind, port: place.endpoint.port, isRelay: place.purpose == .relay, several: several),
      first
    )
  }
}

extension ServiceSnapshot {
  fileprivate func listens(at place: ListenerPlace) -> Bool {
    let listeners =
      switch place.purpose {
      case .redirect: settings.redirect?.listeners ?? []
      case .relay: settings.relayListeners
      case .service: settings.listeners + settings.serverListeners
      case .datagrams: settings.datagramListeners
      }
    return listeners.contains { listener in
      listener.port == place.endpoint.port
        && listener.address.map { $0 == place.endpoint.address } ?? place.endpoint.address.isUnspecified
    }
  }
}
