import Balancing
import Configuration
import Domain
import WorkerProtocol
import Synchronization
import TLS
import Wire

/// The servers of one service's snapshot, by index, with their availability and the routing of clients to them.
final class Backend: Sendable {
  let servers: [SharedServer]
  /// The affinity of the service's clients to these servers.
  let affinity: AffinityStore
  /// Nil when no port or name is dedicated to a server.
  let dedicated: DedicatedServers?
  private let sharedState: SharedState
  /// With the configured weights.
  private let configured: [Balancing.Server]
  private let health: Configuration.Health
  /// With the weights in force.
  private let router: Mutex<Router>

  /// The servers' states, their administrative states and the affinity are shared by all snapshots.
  init(
    _ settings: Configuration.Service, _ servers: [SharedServer], _ secrets: PairSecrets?, _ sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.servers = servers
    affinity = try sharedState.affinity(of: settings, secrets)
    dedicated = DedicatedServers(settings.servers)
    health = settings.health
    configured = settings.servers.map(Balancing.Server.init)
    self.sharedState = sharedState
    router = Mutex(Router(servers: configured))
  }

  /// Applies the administrative weights.
  func reweigh() {
    let weighed = zip(configured, servers).map { configured, server in
      sharedState.adminState(of: server)?.weight.map(configured.weighing) ?? configured
    }
    router.withLock { $0 = Router(servers: weighed) }
  }

  /// A server's administrative state, which takes precedence over its health checks.
  func adminState(of server: Int) -> AdminState.Mode? { sharedState.adminState(of: servers[server])?.mode }

  /// Changes whenever a server changes its state: an earlier choice may be invalid then.
  var epoch: UInt64 { sharedState.epoch }

  /// Publishes a server's state. If it accepts no clients, the requests in its queue are rerouted, and idle connections
  /// are closed.
  func set(_ state: ServerState, at server: Int) {
    servers[server].become(state)
    sharedState.serverChanged()
    guard !servers[server].takesClients else { return }
    sharedState.post(.serverClosed(servers[server]))
    while let waiting = servers[server].dequeue() {
      sharedState.mailbox(of: waiting.loop).post(.rerouted(waiting.key))
    }
  }

  /// A server does not respond any more: its exchanges are moved to other servers or end.
  func lose(_ server: Int, _ presence: ServerPresence) { sharedState.post(.serverLost(servers[server], presence)) }

  /// Reports a failure or a slow response of a server; the first loop's prober checks it at once.
  func suspect(_ server: Int, _ suspicion: Suspicion) {
    if servers[server].suspect(suspicion) { sharedState.mailbox(of: 0).post(.suspect(servers[server])) }
  }

  /// The chosen server for a client, and the reason for the choice.
  struct Choice {
    enum Basis {
      /// The session of the client's cookie is assigned to the server.
      case cookie
      /// The server assigned to the cookie's session is unavailable: the session moves.
      case lostCookie
      /// The client has no cookie, or an unknown one.
      case client
    }

    let server: Int
    let basis: Basis
    /// Whether the client is already assigned to the server on that basis.
    let isAssigned: Bool
    /// Whether the client's address is assigned to another server, which is unavailable.
    var isMoved = false

    /// For a trace.
    var placement: Placement {
      switch basis {
      case .cookie: .cookie
      case .lostCookie: .cookieLost
      case .client: isAssigned ? .table : isMoved ? .tableLost : .hash
      }
    }
  }

  /// The server for a client, nil when none is available: the one assigned to its cookie, else the one assigned to its
  /// address if addresses have affinity, else the choice of the rendezvous hash.
  func route(
    _ client: ClientKey, isRemembered: Bool, cookie: ClientKey?, tried: ServerSet, at now: Instant
  ) -> Choice? {
    let availability = current
    let assigned = cookie.flatMap { affinity.cookies.lookup($0, at: now) }
    if let assigned, let server = router.withLock({ $0.assigned(assigned, availability: availability, tried: tried) }) {
      return Choice(server: server, basis: .cookie, isAssigned: true)
    }
    let known = isRemembered ? affinity.addresses.lookup(client, at: now) : nil
    let suspected = suspected(at: now)
    let server = router.withLock {
      $0.route(client, known: known, availability: availability, tried: tried, suspected: suspected) {
        share(of: $0, at: now)
      }
    }
    guard let server else { return nil }
    return Choice(
      server: server, basis: assigned == nil ? .client : .lostCookie,
      isAssigned: assigned == nil && known == servers[server].id,
      isMoved: known.map { $0 != servers[server].id } ?? false)
  }

  /// The server that a tunnel is assigned to, if it is available.
  func assigned(_ tunnel: ClientKey, tried: ServerSet, at now: Instant) -> Int? {
    guard let known = affinity.tunnels.lookup(tunnel, at: now) else { return nil }
    return router.withLock { $0.assigned(known, availability: current, tried: tried) }
  }

  /// Records a failed request of a client at a server. Returns why the server is suspected from now on, if it is.
  func failed(_ server: Int, _ client: ClientKey, at now: Instant) -> PassiveCheck.Finding? {
    suspect(server, .failing)
    guard health.passive else { return nil }
    sharedState.watch(at: now)
    return servers[server].failed(client, at: now)
  }

  /// Whether the server receives no new clients because requests failed there.
  func isSuspected(_ server: Int, at now: Instant) -> Bool { health.passive && servers[server].isSuspected(at: now) }

  private func suspected(at now: Instant) -> ServerSet {
    var suspected = ServerSet()
    guard health.passive else { return suspected }
    for index in servers.indices where isSuspected(index, at: now) { suspected.insert(index) }
    return suspected
  }

  /// The part of a server's weight that applies to new clients during slow start, in units of 1/`SlowStart.whole`.
  func share(of server: Int, at now: Instant) -> Int {
    guard health.slowStart > .zero, let returned = servers[server].returned else { return SlowStart.whole }
    return SlowStart.share(began: returned, lasting: health.slowStart, at: now)
  }

  /// The same in percent, at least 1; 0 for a suspected server.
  func weightPercent(of server: Int, at now: Instant) -> Int {
    isSuspected(server, at: now) ? 0 : max(1, share(of: server, at: now) * 100 / SlowStart.whole)
  }

  /// The servers to exclude from an exchange's next attempt after this one failed: none when every server was tried.
  func tried(_ server: Int, after earlier: ServerSet) -> ServerSet {
    var tried = earlier
    tried.insert(server)
    return current.takesKnown.subtracting(tried).isEmpty ? ServerSet() : tried
  }

  /// Releases a client's slot, and notifies the request that gets it.
  func leave(_ server: Int, _ account: ConnectionLedger.Account) {
    Backend.leave(servers[server], account, sharedState)
  }

  static func leave(_ server: SharedServer, _ account: ConnectionLedger.Account, _ sharedState: SharedState) {
    if let next = server.leave(account) { grant(next, server, sharedState) }
  }

  /// Notifies a request of its slot, and assigns further free slots. If a request's loop has ended meanwhile, its slot
  /// is assigned to the next request.
  static func grant(_ waiting: WaitingRequest, _ server: SharedServer, _ sharedState: SharedState) {
    var next: WaitingRequest? = waiting
    while let granted = next {
      let isTold = sharedState.mailbox(of: granted.loop).post(.granted(granted, server))
      next = isTold ? server.admitNext() : server.leave(granted.account)
    }
  }

  /// For a trace: whether only one server takes new clients now, by
  /// the rules of the router.
  func isOnlyChoice(tried: ServerSet, at now: Instant) -> Bool {
    let (availability, suspected) = (current, suspected(at: now))
    return router.withLock { router in
      router.candidates(availability: availability, tried: tried, suspected: suspected).count == 1
    }
  }

  /// For a trace: the first servers with their states.
  var stateWords: String {
    servers.prefix(8).map { "\($0.name) \($0.state)" }.joined(separator: ", ") + (servers.count > 8 ? ", …" : "")
  }

  /// Whether some server accepts clients that are assigned to it.
  var acceptsClients: Bool { !current.takesKnown.isEmpty }

  var acceptsNoNewClients: Bool { current.takesNew.isEmpty }

  private var current: Availability {
    Availability(of: servers.count) { servers[$0].state }
  }
}
