import Configuration
import Exchange
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
  static func entrances(
    to services: [ServiceSnapshot]
  ) -> [ListenerIdentity: (entrance: Client.Entrance, service: ServiceSnapshot)] {
    var found: [ListenerIdentity: [ServiceSnapshot]] = [:]
    for service in services {
      // `*` and an address that includes it may both be given.
      for identity in Set(service.identities) { found[identity, default: []].append(service) }
    }
    return Dictionary(uniqueKeysWithValues: found.map { ($0, entrance(at: $0, to: $1)) })
  }

  /// `services`: at least one.
  static func entrance(
    at identity: ListenerIdentity, to services: [ServiceSnapshot]
  ) -> (entrance: Client.Entrance, service: ServiceSnapshot) {
    let several = NamedServices(services)
    let kind: Exchange.Kind =
      switch identity.purpose {
      case .redirect: .redirected
      // No loop has a listener of the pair.
      case .relay, .datagrams, .pair: .opaque
      case .service: several == nil && services[0].isPassthrough ? .opaque : .relayed
      }
    return (
      Client.Entrance(kind: kind, port: identity.endpoint.port, isRelay: identity.purpose == .relay, several: several),
      services[0]
    )
  }
}

extension ServiceSnapshot {
  fileprivate var identities: [ListenerIdentity] {
    let listeners: [(ListenerPurpose, [Configuration.Listener])] = [
      (.redirect, settings.redirect?.listeners ?? []), (.relay, settings.relayListeners),
      (.service, settings.listeners + settings.serverListeners), (.datagrams, settings.datagramListeners),
    ]
    return listeners.flatMap { purpose, listeners in
      listeners.flatMap { listener in
        // Without an address it is bound to that of either family, as the kernel has them.
        (listener.address.map { [$0] } ?? [IPAddress(v4: 0), IPAddress(v6High: 0, low: 0)]).map {
          ListenerIdentity(purpose: purpose, endpoint: Endpoint(address: $0, port: listener.port), loop: 0)
        }
      }
    }
  }
}

extension ListenerIdentity {
  var ofAnyLoop: ListenerIdentity { ListenerIdentity(purpose: purpose, endpoint: endpoint, loop: 0) }
}
