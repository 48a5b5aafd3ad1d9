import Balancing
import Wire

/// The rules between services.
extension Rules {
  /// Each service has its own certificates and affinity table.
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
    for service in services { checkSharedServers(service, services, &reader) }
  }

  /// Warns about servers that only clients with a certificate are to reach, or that believe what they are told of it, and
  /// that another service has too.
  private static func checkSharedServers(
    _ service: Configuration.Service, _ services: [Configuration.Service], _ reader: inout Reader
  ) {
    guard let settings = service.tls.clientCertificates, settings.isRequired || settings.sendsFields else { return }
    let open = services.filter { other in
      guard other.name != service.name else { return false }
      return settings.isRequired
        ? other.tls.clientCertificates?.isRequired != true : other.tls.clientCertificates == nil
    }
    reader.within(service) { reader in
      guard let place = reader.site("tls", "client-certificates")?.key else { return }
      for other in open {
        let endpoints = Set(other.servers.map(\.endpoint))
        guard let server = service.servers.first(where: { endpoints.contains($0.endpoint) }) else { continue }
        reader.warn(
          "service \(other.name) has the server \(server.name) too, and admits clients without a certificate",
          at: place,
          (other.mode == .http ? "Let it require one as well, or give" : "Give") + " it servers of its own.")
      }
    }
  }

  /// A listener of a service, and the key that contains it.
  private struct ServiceListener {
    let service: Configuration.Service
    let listener: Configuration.Listener
    let path: [String]

    static func all(of service: Configuration.Service) -> [ServiceListener] {
      let paths = [
        (["listen"], service.listeners), (["redirect", "listen"], service.redirect?.listeners ?? []),
        (["servers"], service.serverListeners), (["relay", "tcp"], service.relayListeners),
        (["relay", "udp"], service.datagramListeners),
      ]
      return paths.flatMap { path, listeners in
        listeners.enumerated().map { ServiceListener(service: service, listener: $1, path: path + [String($0)]) }
      }
    }

    /// The socket that receives its traffic. A specific address has another socket than all addresses.
    var socket: Socket {
      let address = listener.address.flatMap { $0.isUnspecified ? nil : $0 }
      return Socket(listener: .init(address: address, port: listener.port), isForDatagrams: path[1] == "udp")
    }

    struct Socket: Hashable {
      let listener: Configuration.Listener
      let isForDatagrams: Bool
    }

    /// Whether both use the same listener and are distinguished by the name that clients request.
    func sharesPlace(with other: ServiceListener) -> Bool {
      listener == other.listener && path[0] == other.path[0] && ["listen", "redirect"].contains(path[0])
    }
  }

  private static func checkPlaces(_ services: [Configuration.Service], _ reader: inout Reader) {
    var earlier: [ServiceListener.Socket: [ServiceListener]] = [:]
    for service in services {
      reader.within(service) { reader in
        let listeners = ServiceListener.all(of: service)
        var neighbours: Set<String> = []
        for listener in listeners {
          let others = earlier[listener.socket] ?? []
          for other in others where listener.sharesPlace(with: other) {
            if neighbours.insert(other.service.name).inserted { checkNeighbours(service, other, &reader) }
            if other.path == others.first?.path, other.service.name == others.first?.service.name {
              checkRefusedNames(service, beside: other, &reader)
            }
          }
          guard let other = others.first(where: { !listener.sharesPlace(with: $0) }) else { continue }
          let place = reader.mark(at: listener.path) ?? reader.mark(listener.path[0]) ?? reader.keyMark
          reader.error(
            "`\(listener.listener)` is taken by `\(other.path[0])` of service \(other.service.name)", at: place)
        }
        for listener in listeners { earlier[listener.socket, default: []].append(listener) }
      }
    }
  }

  /// Warns about settings for names that never come to a service: those of no service belong to the first one of the
  /// listener.
  private static func checkRefusedNames(
    _ service: Configuration.Service, beside first: ServiceListener, _ reader: inout Reader
  ) {
    guard first.path[0] == "listen", service.mode == .http else { return }
    let advice =
      first.service.mode == .http
      ? "Set it in service \(first.service.name)." : "That one passes TLS through, and refuses no name."
    for (key, isSet) in [
      ("unknown-names", service.tls.unknownNames == .refuse), ("refuse-names", !service.tls.refusedNames.isEmpty),
    ] where isSet {
      guard let place = reader.mark("tls", key) else { continue }
      reader.warn(
        "`\(key)` does nothing on `\(first.listener)`: clients that ask for other names than those of this service get "
          + "service \(first.service.name)", at: place, advice)
    }
  }

  /// Checks what must differ and what must be equal between services with the same listener.
  private static func checkNeighbours(
    _ service: Configuration.Service, _ other: ServiceListener, _ reader: inout Reader
  ) {
    let place = reader.mark(other.path[0]) ?? reader.keyMark
    let names = Set(other.service.clientNames)
    let isRedirect = other.path[0] == "redirect"
    for name in service.clientNames where names.contains(name) {
      let (service, listener) = (other.service.name, other.listener)
      if isRedirect {
        reader.warn(
          "`\(name.text)` on `\(listener)` is redirected to service \(service), which has the name too", at: place)
      } else {
        reader.error(
          "`\(name.text)` is a name of service \(service) too, which listens on `\(listener)` as well", at: place,
          "Only the name tells their clients apart.")
      }
    }
    let (mine, theirs) = (service.forwarded, other.service.forwarded)
    // A redirect needs nothing of a proxy but its PROXY header.
    let isCompared = !isRedirect || mine.proxyProtocol || theirs.proxyProtocol
    let isSame = mine.proxyProtocol == theirs.proxyProtocol && Set(mine.trustedProxies) == Set(theirs.trustedProxies)
    if isCompared, !isSame {
      reader.error(
        "`trusted-proxies` and `proxy-protocol` must be those of service \(other.service.name), which listens on "
          + "`\(other.listener)` as well", at: place, "They apply before the client's name is known.")
    }
    guard !isRedirect else { return }
    if service.requests.hosts == nil, let place = reader.mark("requests", "hosts") {
      reader.error(
        "with `any`, requests for service \(other.service.name) on connections to this one would be answered here",
        at: place, "List the names.")
    }
    for relaying in [service, other.service] where !relaying.relay.isEmpty {
      reader.warn(
        "ports of `relay` belong to service \(relaying.name) alone: clients of the other service that come there "
          + "may reach another server than theirs", at: place, "Give each of them an address of its own.")
    }
  }
}
