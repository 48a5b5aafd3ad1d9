import Configuration
import Domain
import Linux
import TLS
import Wire

/// Asks a service of a node as a client does, through one of its own listeners: the certificate must be one of the new
/// configuration's, and the answer must come from a server.
struct ServingProbe {
  let endpoint: Endpoint
  private let name: String
  private let fingerprints: [Fingerprint]

  /// For the whole attempt; a server may be slow.
  private static let timeout = Interval.seconds(15)
  /// What Belvedere itself answers when no server does.
  private static let refusals: Set<UInt16> = [502, 503, 504]

  /// One for each service that can be reached at an address of the node itself; and the services that can't.
  ///
  /// - Parameters:
  ///   - address: of the node; nil: it is this one, and every address but the virtual ones is its own.
  ///   - certificates: by the services' names.
  static func all(
    of configuration: Configuration, at address: IPAddress?, _ certificates: [String: [CertificateFacts]]
  ) -> (probes: [ServingProbe], skipped: [Configuration.Service]) {
    let virtual = Set(configuration.virtualRouters.flatMap(\.settings.ipAddresses))
    var probes: [ServingProbe] = []
    var skipped: [Configuration.Service] = []
    for service in configuration.services where service.mode == .http {
      let own = service.listeners.first { listener in
        guard let place = listener.address, !place.isUnspecified else { return true }
        return address.map { $0 == place } ?? !virtual.contains(place)
      }
      guard let own, !service.forwarded.proxyProtocol, let facts = certificates[service.name], !facts.isEmpty else {
        skipped.append(service)
        continue
      }
      probes.append(
        ServingProbe(
          endpoint: own.endpoint(at: address), name: service.canonicalName, fingerprints: facts.map(\.fingerprint)))
    }
    return (probes, skipped)
  }

  /// For a listener and a server name.
  private init(endpoint: Endpoint, name: String, fingerprints: [Fingerprint]) {
    self.endpoint = endpoint
    self.name = name
    self.fingerprints = fingerprints
  }

  /// Why the service does not serve there; nil if it does.
  func failure() -> String? {
    do {
      let status = try request()
      return Self.refusals.contains(status) ? "\(endpoint) answers \(status) for \(name)" : nil
    } catch { return "\(endpoint) does not serve \(name): \(error)" }
  }

  /// Sends a request for `/` and returns the status of the response.
  private func request() throws -> UInt16 {
    let context = try ClientContext(trust: .fingerprints(fingerprints))
    let request = TLSRequest(
      endpoint: endpoint, context: context, serverName: try ReferenceIdentity(name), timeout: Self.timeout)
    return try request.send("GET / HTTP/1.1\r\nHost: \(name)\r\nConnection: close\r\n\r\n").status ?? 0
  }
}

extension Configuration.Listener {
  /// Where to connect to it. `address`: of the node; nil: it is this one.
  fileprivate func endpoint(at address: IPAddress?) -> Endpoint {
    let own = self.address.flatMap { $0.isUnspecified ? nil : $0 }
    // A listener at `::` does not accept IPv4.
    let loopback = self.address?.family == .v6 ? IPAddress(v6High: 0, low: 1) : IPAddress(v4: 0x7F00_0001)
    return Endpoint(address: own ?? address ?? loopback, port: port)
  }
}
