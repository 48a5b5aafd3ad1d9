import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Wire

/// Which clients may come in (`access`). A connection is refused as soon as its client and its service are known, before
/// its handshake if possible; each request is decided again, because a trusted proxy may have named its client and a
/// reload may have changed the rules.
extension ClientConnection {
  /// Whether the service may be used from the other end of this connection. The clients behind a trusted proxy are known
  /// with their requests.
  var isAdmitted: Bool {
    guard let access = client.snapshot.access, !client.forwarding.isPeerTrusted else { return true }
    return access.allows(client.knownAddress)
  }

  /// Why the request may not be relayed; nil if it may.
  @inline(never)
  mutating func findRefusal(_ context: inout LoopContext) -> Rejection? {
    guard let access = client.snapshot.access, let request = requests.current.value.exchange.request else { return nil }
    let address = requests.current.value.namedClient(on: client)?.address
    let decision = access.decide(address, path: request.path.slice(of: client.side.input.bytes))
    if decision == .allowed {
      guard access.hasPaths, client.forwarding.isPeerTrusted else { return nil }
      return requests.current.value.exchange.dropPathClaims(in: client.side.input)
    }
    requests.current.value.refusal = .access(decision)
    context.reports.services.change(client.snapshot.counters) { $0.access.count(decision) }
    return decision == .ambiguousPath ? .pathAmbiguous : .clientNotAllowed
  }
}

extension ActiveExchange {
  /// The request's client; nil if it is unknown. The list of a proxy may end at an unreadable element, and the last
  /// address before it be that of another proxy.
  func namedClient(on client: borrowing Client) -> Endpoint? {
    guard let named = origin?.endpoint else { return client.knownEndpoint }
    return client.snapshot.settings.forwarded.trustedProxies.contains { $0.contains(named.address) } ? nil : named
  }
}

extension Client {
  /// The other end; nil if that is a trusted proxy, which has not said who its client is.
  var knownEndpoint: Endpoint? { entrance.isUnnamed || forwarding.isPeerTrusted ? nil : peer.endpoint }

  var knownAddress: IPAddress? { knownEndpoint?.address }
}

extension LoopContext {
  /// Counts and logs a connection that is closed because its client may not use the service.
  @inline(never)
  mutating func refuseConnection(of client: Endpoint, to service: ServiceSnapshot) {
    let name = service.settings.name
    reports.counters.refused.connections += 1
    reports.failures.note(refused: client, by: "`access`" + (name.isEmpty ? "" : " of \(name)"), at: now)
    reports.services.change(service.counters) { $0.access.count(.refusedByService) }
  }
}

extension ServiceSnapshot {
  /// The rule that has decided, as in the access log.
  func ruleName(of refusal: ActiveExchange.Refusal) -> String {
    switch refusal {
    case .access(.allowed): ""
    case .access(.refusedByService): "access"
    case .access(.refusedByPath(let index)): settings.access.paths[index].path
    case .access(.ambiguousPath): "ambiguous path"
    case .rate: "rates.requests"
    }
  }
}

extension AccessCounts {
  fileprivate mutating func count(_ decision: AccessRules.Decision) {
    switch decision {
    case .allowed: break
    case .refusedByService: service &+= 1
    case .refusedByPath: path &+= 1
    case .ambiguousPath: ambiguous &+= 1
    }
  }
}

extension AccessRules {
  convenience init(_ settings: Configuration.Access) {
    self.init(
      service: NetworkTable(settings.networks), paths: settings.paths.map { ($0.path, NetworkTable($0.networks)) })
  }
}

extension NetworkTable {
  fileprivate init(_ networks: Configuration.Access.Networks) { self.init(allow: networks.allow, deny: networks.deny) }
}
