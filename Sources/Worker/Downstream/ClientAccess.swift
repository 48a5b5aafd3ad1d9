import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Wire

// Which clients may come in (`access`), and how often (`rates`). A client is refused as soon as it and its service are
// known, before its handshake if possible; each request is decided again, because a trusted proxy may have named its
// client and a reload may have changed the rules.

extension LoopContext {
  /// What refuses a client; nil: it may do what it is about to do, and was charged for it. Counts and logs a refusal.
  /// `peer`: the other end, for the log of a client that is unnamed. The only place where rules refuse clients.
  @inline(never)
  mutating func refusal(
    of client: ClientRules.Client, at peer: Endpoint, on occasion: ClientRules.Occasion, by service: ServiceSnapshot,
    path: Span<UInt8> = Span()
  ) -> ClientRules.Refusal? {
    guard let rules = service.rules else { return nil }
    let (ledger, now) = (sharedState.rates, now)
    let verdict = rules.decide(client, on: occasion, path: path) { ledger.take($0, of: $1, $2, at: now) }
    switch verdict {
    case .admitted: return nil
    case .admittedOnTrial(let excess):
      note(excess, of: client, isTrial: true)
      return nil
    case .refused(let refusal):
      note(refusal, of: client, at: peer, on: occasion, by: service)
      return refusal
    }
  }

  private mutating func note(
    _ refusal: ClientRules.Refusal, of client: ClientRules.Client, at peer: Endpoint, on occasion: ClientRules.Occasion,
    by service: ServiceSnapshot
  ) {
    switch refusal {
    case .rate(let excess):
      if occasion.isOfConnection { reports.counters.refused.connections += 1 }
      note(excess, of: client, isTrial: false)
    case .access(let refusal):
      reports.services.change(service.counters) { $0.access.count(refusal) }
      guard occasion.isOfConnection else { return }
      reports.failures.note(refused: peer, by: service.settings.refusalWords(of: client), at: now)
    }
  }

  private mutating func note(_ excess: ClientRules.Excess, of client: ClientRules.Client, isTrial: Bool) {
    guard case .named(let endpoint) = client else { return }
    reports.counters.rateExceeded(excess.subject)
    reports.failures.note(excess, of: endpoint, isTrial: isTrial, at: now)
  }
}

extension ClientConnection {
  /// What refuses the client of this connection; nil: it may go on. Called only where there are rules.
  @inline(never)
  mutating func refusal(on occasion: ClientRules.Occasion, _ context: inout LoopContext) -> ClientRules.Refusal? {
    let (who, peer, service) = (client.identity, client.peer.endpoint, client.snapshot)
    guard let refusal = context.refusal(of: who, at: peer, on: occasion, by: service) else { return nil }
    if context.reports.traces.isActive {
      client.cause = .refused(refusal)
      if occasion == .handshake {
        client.reportHandshakeFailure(nil, "refused by \(service.ruleName(of: refusal))", &context)
      }
    }
    return refusal
  }

  /// Why the request may not be relayed; nil if it may. Called only where there are rules.
  @inline(never)
  mutating func findRefusal(_ context: inout LoopContext) -> Rejection? {
    guard let path = requests.current.value.exchange.request?.path else { return nil }
    let (named, service) = (requests.current.value.namedClient(on: client), client.snapshot)
    let refusal = context.refusal(
      of: named.map { .named($0) } ?? .unnamed, at: client.peer.endpoint, on: .request, by: service,
      path: path.slice(of: client.side.input.bytes))
    guard let refusal else {
      requests.refused = 0
      guard client.forwarding.isPeerTrusted, service.rules?.hasPaths == true else { return nil }
      return requests.current.value.exchange.dropPathClaims(in: client.side.input)
    }
    requests.refused += 1
    requests.current.value.refusal = refusal
    return refusal.rejection
  }
}

extension ActiveExchange {
  /// The request's client; nil if it is unknown. The list of a proxy may end at an unreadable element, and the last
  /// address before it be that of another proxy.
  @inline(always)
  func namedClient(on client: borrowing Client) -> Endpoint? {
    guard let named = origin?.endpoint else { return client.knownEndpoint }
    return client.snapshot.settings.forwarded.trustedProxies.contains { $0.contains(named.address) } ? nil : named
  }
}

extension Client {
  /// Who is at the other end, as far as that is known without a request.
  var identity: ClientRules.Client {
    entrance.isUnnamed ? .unnamed : forwarding.isPeerTrusted ? .awaited : .named(peer.endpoint)
  }

  /// The other end; nil if that is a trusted proxy, which has not said who its client is.
  var knownEndpoint: Endpoint? { if case .named(let endpoint) = identity { endpoint } else { nil } }

  var knownAddress: IPAddress? { knownEndpoint?.address }
}

extension ServiceSnapshot {
  /// The rule that has decided, as in the access log.
  func ruleName(of refusal: ClientRules.Refusal) -> String {
    switch refusal {
    case .access(.service): "access"
    case .access(.path(let index)): settings.access.paths[index].path
    case .access(.ambiguousPath): "ambiguous path"
    case .rate(let excess): "rates.\(excess.subject)"
    }
  }
}

extension ClientRules.Occasion {
  /// Whether a connection ends with the refusal, which is not answered.
  fileprivate var isOfConnection: Bool {
    switch self {
    case .connection, .sharedConnection, .handshake, .tunnel: true
    case .flow, .request: false
    }
  }
}

extension ClientRules.Refusal {
  fileprivate var rejection: Rejection {
    switch self {
    case .access(.ambiguousPath): .pathAmbiguous
    case .access(.service), .access(.path): .clientNotAllowed
    case .rate: .rateExceeded
    }
  }
}

extension ClientConnection {
  /// The most requests of one client that are refused one after another: then its connection counts anew for
  /// `connections` and `handshakes`, and the access log is not filled at the speed of the line.
  private static let refusalsInSequence = 100

  /// Whether another request may follow one that was refused. A new connection would cost more than the answer to a
  /// client above its rate; and the next request on a trusted proxy's may be of a client that no rule refuses.
  func mayGoOn(after rejection: Rejection) -> Bool {
    switch rejection {
    case .rateExceeded: client.forwarding.isPeerTrusted || requests.refused < Self.refusalsInSequence
    case .clientNotAllowed, .pathAmbiguous, .tooManyOfClient: client.forwarding.isPeerTrusted
    default: false
    }
  }
}

extension AccessCounts {
  fileprivate mutating func count(_ refusal: AccessRules.Refusal) {
    switch refusal {
    case .service: service &+= 1
    case .path: path &+= 1
    case .ambiguousPath: ambiguous &+= 1
    }
  }
}

extension Configuration.Service {
  /// What of `access` refuses a connection, for the log, whose line begins with the other end.
  fileprivate func refusalWords(of client: ClientRules.Client) -> String {
    let place = name.isEmpty ? "`access`: " : "`access` of \(name): "
    guard case .named(let endpoint) = client else {
      return place + "this is a trusted proxy, which does not say who its client is"
    }
    return place + access.networks.refusalWords(of: endpoint.address)
  }
}

extension AccessRules {
  convenience init(_ settings: Configuration.Access) {
    self.init(
      service: NetworkTable(settings.networks), paths: settings.paths.map { ($0.path, NetworkTable($0.networks)) })
  }
}

extension RateRules {
  convenience init(_ settings: Configuration.Rates) {
    self.init(
      connections: settings.connections, handshakes: settings.handshakes, requests: settings.requests,
      exceptions: settings.exceptions, isTrial: settings.isTrial)
  }
}

extension NetworkTable {
  fileprivate init(_ networks: Configuration.Access.Networks) { self.init(allow: networks.allow, deny: networks.deny) }
}
