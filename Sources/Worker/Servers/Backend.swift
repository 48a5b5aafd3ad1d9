import Balancing
import Configuration
import Domain
import WorkerProtocol
import Synchronization
import Wire

/// The servers of one service's snapshot, by index, and which of them can be given whom at the moment.
final class Backend: Sendable {
  let servers: [SharedServer]
  /// Which of them the service's clients are assigned to.
  let affinity: AffinityStore
  /// Nil when nothing means one server alone.
  let dedicated: DedicatedServers?
  private let sharedState: SharedState
  /// With the configuration's weights.
  private let configured: [Balancing.Server]
  private let health: Configuration.Health
  /// With the weights in force.
  private let router: Mutex<Router>

  /// The servers' states, what operators want of them, and the assignments are shared: every snapshot goes by the same.
  init(_ settings: Configuration.Service, _ sharedState: SharedState) throws(ConfigurationSnapshotError) {
    servers = settings.servers.map { sharedState.server($0, queue: settings.limits.queue) }
    affinity = try sharedState.affinity(of: settings)
    dedicated = DedicatedServers(settings.servers)
    health = settings.health
    configured = settings.servers.map(Balancing.Server.init)
    self.sharedState = sharedState
    router = Mutex(Backend.router(of: configured, servers, sharedState))
  }

  /// Goes by the weights that operators want now.
  func reweigh() { router.withLock { $0 = Backend.router(of: configured, servers, sharedState) } }

  private static func router(
    of configured: [Balancing.Server], _ servers: [SharedServer], _ sharedState: SharedState
  ) -> Router {
    Router(
      servers: zip(configured, servers).map { configured, server in
        sharedState.adminState(of: server)?.weight.map(configured.weighing) ?? configured
      })
  }

  /// What an operator wants of a server, over what its health checks say.
  func adminState(of server: Int) -> AdminState.Mode? { sharedState.adminState(of: servers[server])?.mode }

  /// Changes whenever a server changes its state: what was chosen before may not hold any more.
  var epoch: UInt64 { sharedState.epoch }

  /// Publishes a server's state. One that takes nobody: whoever waits for a place there is sent on, and idle connections
  /// are closed.
  func set(_ state: ServerState, at server: Int) {
    servers[server].become(state)
    sharedState.serverChanged()
    guard !servers[server].takesClients else { return }
    sharedState.post(.serverClosed(servers[server]))
    while let waiting = servers[server].dequeue() {
      sharedState.mailbox(of: waiting.loop).post(.rerouted(waiting.client))
    }
  }

  /// A server does not answer any more: its exchanges go elsewhere or end.
  func lose(_ server: Int, _ presence: ServerPresence) { sharedState.post(.serverLost(servers[server], presence)) }

  /// Traffic met a failure there, or slowness; the first loop's prober looks at once.
  func suspect(_ server: Int, _ suspicion: Suspicion) {
    if servers[server].suspect(suspicion) { sharedState.mailbox(of: 0).post(.suspect(servers[server])) }
  }

  /// A server for a client, and why this one.
  struct Choice {
    enum Basis {
      /// The session that its cookie names is assigned to it.
      case cookie
      /// That session's server can not take it: it moves.
      case lostCookie
      /// It has no cookie, or one that nobody knows.
      case client
    }

    let server: Int
    let basis: Basis
    /// The client is assigned to it already, by that basis.
    let isAssigned: Bool
  }

  /// The server for a client, nil when none can take it: the one assigned to its cookie, else the one assigned
  /// to its address as far as clients are remembered by address, else what the rendezvous says.
  func route(
    _ client: ClientKey, isRemembered: Bool, cookie: ClientKey?, tried: ServerSet, at now: Instant
  ) -> Choice? {
    let availability = current
    let assigned = cookie.flatMap { affinity.tokens.lookup($0, at: now) }
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
      isAssigned: assigned == nil && known == servers[server].id)
  }

  /// The server that a token is assigned to, if it can take its client.
  func assigned(_ token: ClientKey, tried: ServerSet, at now: Instant) -> Int? {
    guard let known = affinity.tokens.lookup(token, at: now) else { return nil }
    return router.withLock { $0.assigned(known, availability: current, tried: tried) }
  }

  /// A client's request has failed at a server. Answers with what makes that one suspected from now on.
  func failed(_ server: Int, _ client: ClientKey, at now: Instant) -> PassiveCheck.Finding? {
    suspect(server, .failing)
    guard health.passive else { return nil }
    sharedState.watch(at: now)
    return servers[server].failed(client, at: now)
  }

  /// For what clients met there it gets no new ones.
  func isSuspected(_ server: Int, at now: Instant) -> Bool { health.passive && servers[server].isSuspected(at: now) }

  private func suspected(at now: Instant) -> ServerSet {
    var suspected = ServerSet()
    guard health.passive else { return suspected }
    for index in servers.indices where isSuspected(index, at: now) { suspected.insert(index) }
    return suspected
  }

  /// How much of a server's weight counts for new clients, in parts of `SlowStart.whole`.
  func share(of server: Int, at now: Instant) -> Int {
    guard health.slowStart > .zero, let returned = servers[server].returned else { return SlowStart.whole }
    return SlowStart.share(began: returned, lasting: health.slowStart, at: now)
  }

  /// The same in percent, at least 1; 0 of one that is suspected.
  func weightPercent(of server: Int, at now: Instant) -> Int {
    isSuspected(server, at: now) ? 0 : max(1, share(of: server, at: now) * 100 / SlowStart.whole)
  }

  /// The servers that an exchange is not to try next, after this one failed it too: none when it has tried every one.
  func tried(_ server: Int, after earlier: ServerSet) -> ServerSet {
    var tried = earlier
    tried.insert(server)
    return current.takesKnown.subtracting(tried).isEmpty ? ServerSet() : tried
  }

  /// Gives a client's place back, and tells whoever has it now.
  func leave(_ server: Int, _ account: ConnectionLedger.Account) {
    Backend.leave(servers[server], account, sharedState)
  }

  static func leave(_ server: SharedServer, _ account: ConnectionLedger.Account, _ sharedState: SharedState) {
    if let next = server.leave(account) { grant(next, server, sharedState) }
  }

  /// Tells whoever has got a place, and gives others what they may have besides. A place whose loop has ended meanwhile
  /// goes on to the next.
  static func grant(_ waiting: WaitingClient, _ server: SharedServer, _ sharedState: SharedState) {
    var next: WaitingClient? = waiting
    while let granted = next {
      let isTold = sharedState.mailbox(of: granted.loop).post(.granted(granted, server))
      next = isTold ? server.admitNext() : server.leave(granted.account)
    }
  }

  /// Some server takes clients that it knows.
  var takesAnybody: Bool { !current.takesKnown.isEmpty }

  var takesNobodyNew: Bool { current.takesNew.isEmpty }

  private var current: Availability {
    Availability(of: servers.count) { servers[$0].state }
  }
}
