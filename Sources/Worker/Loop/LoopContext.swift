import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Logging
import TLS
import Wire

/// The state of a loop that its clients use: everything but the clients themselves, so that a client and the context
/// can be changed at the same time.
///
/// Functions take it `inout` also where they only read it, and a `Client` that they get with it: of what its caller has
/// `inout`, Swift copies a `borrowing` argument (945 and 568 bytes) at each call that is not inlined.
struct LoopContext: ~Copyable {
  /// The loop's index.
  let loop: Int
  let sharedState: SharedState
  /// The newest snapshot.
  private(set) var snapshot: ConfigurationSnapshot
  /// The time, read once a turn.
  var now: Instant
  let poller: Poller
  var timers: TimerWheel
  var servers: Slab<ServerConnection>
  var pools = ServerPools()
  var buffers = BufferPool()
  var leases = Leases()
  /// Used for all of the loop's connections but health checks.
  let bio = SocketBIO()
  var leftovers = Leftovers()
  var reports: Reports
  var isStopping = false

  /// What continues in the next turn without an event.
  struct Leftovers: ~Copyable {
    /// Clients that yielded to others and have more to do.
    var clients: [SlabKey] = []
    /// Clients whose handshake can continue.
    var handshakes = FairQueue<SlabKey>()

    var isEmpty: Bool { clients.isEmpty && handshakes.isEmpty }
  }

  /// Storage that only active exchanges need.
  struct Leases: ~Copyable {
    var exchanges = LeasePool<ActiveExchange>()
    var scanners = LeasePool<ConnectionIDScanner>()
  }

  /// The loop's logs and counters.
  struct Reports: ~Copyable {
    let log: Logger
    var failures: FailureLog
    var accessLog: AccessLog
    var traces: LoopTraces
    var counters = Counters()
    var servers = CounterTable<ServerCounts>()
    var services = CounterTable<ServiceCounts>()
    /// When the next timer is due, while the loop waits for it.
    var due = Instant.distantFuture

    /// Whether exchanges are recorded in the access log or in traces.
    var isRecording: Bool { accessLog.isOpen || traces.isActive }

    /// Counts a turn of the loop, and whether a timer waited for it for long.
    mutating func countTurn(at now: Instant) {
      counters.loop.turns &+= 1
      if now > due + Loop.lateness { counters.loop.lateTurns &+= 1 }
      due = .distantFuture
    }

    /// Counts the lines that were left out since the previous call.
    mutating func countSuppressed() { counters.worker.log.suppressed &+= failures.takeSuppressed() }

    /// Logs what is logged together for some time.
    mutating func logExcesses(at now: Instant) { failures.logExcesses(at: now) }

    /// Goes on from the counters that an earlier loop with the same index has published.
    mutating func takeOver(_ figures: LoopFigures) {
      counters = figures.counters
      servers.copy(figures.servers)
      services.copy(figures.services)
    }
  }

  init(
    loop: Int, sharedState: SharedState, snapshot: ConfigurationSnapshot, log: Logger, accessLog: consuming AccessLog,
    traces: TraceOutlet
  ) throws(SystemError) {
    self.loop = loop
    self.sharedState = sharedState
    self.snapshot = snapshot
    now = Clock.monotonic()
    reports = Reports(
      log: log, failures: FailureLog(log: log), accessLog: accessLog, traces: LoopTraces(traces, at: now))
    poller = try Poller()
    timers = TimerWheel(startingAt: now)
    servers = Slab(capacity: sharedState.placesPerLoop)
    pools.renew(for: snapshot.servers.count, at: now)
  }

  /// Adopts another snapshot. Idle connections of the previous one are closed: they were made with its settings.
  mutating func adopt(_ snapshot: ConfigurationSnapshot) {
    emptyPools()
    self.snapshot = snapshot
    reports.accessLog.adopt(snapshot.configuration.log.access)
    reports.traces.adopt(configuration: snapshot.number)
    reports.countSuppressed()
    reports.failures = FailureLog(log: reports.log)
    pools.renew(for: snapshot.servers.count, at: now)
  }

  /// Logs, at a limited rate, a server's failure or a shortage of local resources for a connection to it. Nothing is
  /// logged for a server that a reload has removed.
  mutating func noteFailure(
    of server: SharedServer, port: UInt16? = nil, _ kind: FailureLog.Kind = .ofServer,
    _ reason: @autoclosure () -> String
  ) {
    guard let index = snapshot.index(of: server) else { return }
    reports.failures.note(index, server.name, port: port, kind, reason(), at: now)
  }

  // MARK: Connections to servers

  /// Whether this service's settings are the newest.
  func isNewest(_ service: ServiceSnapshot) -> Bool { service.number == snapshot.number }

  /// Begins to connect to a server, by its index in the exchange's snapshot. On a connection to another `port` than the
  /// server's own we send nothing ourselves, not even TLS.
  mutating func open(
    _ server: Int, at port: UInt16? = nil, of service: ServiceSnapshot, for request: RequestKey, proxyHeader: [UInt8]?
  ) -> Result<SlabKey, SystemError> {
    if sharedState.serverConnectionRoom <= 0 { makeRoomForConnection() }
    let made = begin(server, at: port, of: service, for: request, proxyHeader)
    guard case .failure(let error) = made, error.connectFault == .shortage, makeRoomForConnection() else { return made }
    return begin(server, at: port, of: service, for: request, proxyHeader)
  }

  private mutating func begin(
    _ server: Int, at port: UInt16?, of service: ServiceSnapshot, for request: RequestKey, _ proxyHeader: [UInt8]?
  ) -> Result<SlabKey, SystemError> {
    do throws(SystemError) {
      var endpoint = service.servers[server].identity.endpoint
      if let port { endpoint.port = port }
      let descriptor = try Socket.connect(to: endpoint)
      let key = servers.insert(
        ServerConnection(
          side: RelaySide(descriptor), server: server, snapshot: service, proxyHeader: proxyHeader,
          isPlain: service.isPassthrough || port != nil, request: request, idleSince: now))
      do throws(SystemError) {
        try poller.watch(servers[key].side.stream.descriptor, token: Token(.server, key).rawValue)
      } catch {
        _ = servers.remove(key)
        throw error
      }
      sharedState.serverConnectionBegan()
      if isNewest(service) { pools.byServer[servers[key].pool].demand.took(at: now) }
      return .success(key)
    } catch {
      return .failure(error)
    }
  }

  /// Continues connecting.
  mutating func connect(_ key: SlabKey) -> ServerConnection.Progress {
    guard isNewest(servers[key].snapshot) else {
      var none: TLSSession?
      return servers[key].connect(resuming: &none, through: bio)
    }
    let pool = servers[key].pool
    return servers[key].connect(resuming: &pools.sessions[pools.byServer[pool].session].session, through: bio)
  }

  /// Reads from a server.
  mutating func readServer(_ key: SlabKey) -> Stream.Incoming {
    let incoming = servers[key].side.receive(&buffers)
    if case .bytes = incoming, !servers[key].hasGivenSession, isNewest(servers[key].snapshot) {
      servers[key].giveSession(to: &pools.sessions[pools.byServer[servers[key].pool].session].session)
    }
    return incoming
  }
}
