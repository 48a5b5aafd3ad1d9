import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// What a loop's clients act upon: everything of the loop but the clients themselves, so that one client and the
/// context can be changed at the same time.
struct LoopContext: ~Copyable {
  /// The loop's number.
  let loop: Int
  let sharedState: SharedState
  private(set) var snapshot: ConfigurationSnapshot
  let log: Logger
  /// Read once a turn.
  var now: Instant
  let poller: Poller
  var timers: TimerWheel
  var servers: Slab<ServerConnection>
  /// By server index.
  var pools: [Pool]
  private var sessions = Slab<CachedSession>()
  private var sessionKeys: [SlabKey] = []
  var buffers = BufferPool()
  var exchanges = LeasePool<Exchange>()
  /// Of all the loop's connections.
  let bio = SocketBIO()
  /// Clients that gave way to others with more to do.
  var runnable: [SlabKey] = []
  /// Health checks that did.
  var runnableChecks: [SlabKey] = []
  /// Clients whose handshake can go on.
  var handshakes = FairQueue<SlabKey>()
  var counters = Counters()
  var accessLog: AccessLog
  var isStopping = false
  private var failures: FailureLog

  /// Connections of this loop that end (`LoopContext.close`).
  var ending = 0
  /// Others are not asked again before then to close what is idle.
  var asksForRoomAt = Instant(nanoseconds: 0)

  /// Idle connections to one server, the one used last on top, and how many were in use at once lately.
  struct Pool {
    var idle: [SlabKey] = []
    var demand: PoolDemand
  }

  /// The session that the next connection to a server resumes.
  struct CachedSession: ~Copyable {
    var session: TLSSession?
  }

  init(
    loop: Int, sharedState: SharedState, snapshot: ConfigurationSnapshot, log: Logger, accessLog: consuming AccessLog
  ) throws(SystemError) {
    self.loop = loop
    self.sharedState = sharedState
    self.snapshot = snapshot
    self.log = log
    self.accessLog = accessLog
    failures = FailureLog(log: log)
    now = Clock.monotonic()
    poller = try Poller()
    timers = TimerWheel(startingAt: now)
    pools = []
    servers = Slab(capacity: LoopContext.places(sharedState))
    makeRoom()
  }

  /// How many connections a loop has places for from the start: enough for all clients, who may all come to one loop.
  /// A place that was never used takes no memory, and making more in the middle of a crowd copies them all meanwhile.
  var places: Int { LoopContext.places(sharedState) }

  private static func places(_ sharedState: SharedState) -> Int { min(sharedState.limitInForce, 1 << 15) }

  /// Takes over another snapshot. Idle connections of the one before are closed: they were made by its rules.
  mutating func adopt(_ snapshot: ConfigurationSnapshot) {
    for server in pools.indices { emptyPool(of: server) }
    for key in sessionKeys { _ = sessions.remove(key) }
    self.snapshot = snapshot
    accessLog.adopt(snapshot.configuration.log.access)
    failures = FailureLog(log: log)
    makeRoom()
  }

  private mutating func makeRoom() {
    pools = snapshot.servers.map { _ in Pool(demand: PoolDemand(at: now)) }
    sessionKeys = []
    for _ in snapshot.servers { sessionKeys.append(sessions.insert(CachedSession())) }
  }

  /// Tells the operator of a server's failure, or of a shortage that kept us from it, now and then. Nothing more is told
  /// of one that a reload has removed.
  mutating func noteFailure(
    of server: SharedServer, _ kind: FailureLog.Kind = .ofServer, _ reason: @autoclosure () -> String
  ) {
    guard let index = snapshot.backend.index(of: server) else { return }
    failures.note(index, server.name, kind, reason(), at: now)
  }

  /// Tells the operator of a client that was cut off for its flood of messages, now and then.
  mutating func noteFlood(by peer: Endpoint) {
    failures.note(client: peer, TLSConnection.floodExplanation, at: now)
  }

  // MARK: connections to servers

  /// Begins to connect to a server, by its index in the snapshot that the exchange belongs to.
  mutating func open(
    _ server: Int, of snapshot: ConfigurationSnapshot, for client: SlabKey
  ) -> Result<SlabKey, SystemError> {
    if sharedState.serverConnectionRoom <= 0 { makeRoomForConnection() }
    let made = begin(server, of: snapshot, for: client)
    guard case .failure(let error) = made, error.connectFault == .shortage, makeRoomForConnection() else { return made }
    return begin(server, of: snapshot, for: client)
  }

  private mutating func begin(
    _ server: Int, of snapshot: ConfigurationSnapshot, for client: SlabKey
  ) -> Result<SlabKey, SystemError> {
    do throws(SystemError) {
      let descriptor = try Socket.connect(to: snapshot.servers[server].endpoint)
      let key = servers.insert(
        ServerConnection(
          stream: Stream(plain: descriptor), server: server, snapshot: snapshot, client: client, at: now))
      do throws(SystemError) {
        try poller.watch(servers[key].stream.descriptor, token: Token(.server, key).rawValue)
      } catch {
        _ = servers.remove(key)
        throw error
      }
      sharedState.serverConnectionBegan()
      if snapshot === self.snapshot { pools[server].demand.took(at: now) }
      return .success(key)
    } catch {
      return .failure(error)
    }
  }

  /// Goes on connecting.
  mutating func connect(_ key: SlabKey) -> ServerConnection.Progress {
    guard servers[key].snapshot === snapshot else {
      var none: TLSSession?
      return servers[key].connect(resuming: &none, through: bio)
    }
    let server = servers[key].server
    return servers[key].connect(resuming: &sessions[sessionKeys[server]].session, through: bio)
  }

  /// Reads what a server sent.
  mutating func readServer(_ key: SlabKey) -> Stream.Incoming {
    let incoming = servers[key].receive(&buffers)
    if case .bytes = incoming, !servers[key].hasGivenSession, servers[key].snapshot === snapshot {
      servers[key].giveSession(to: &sessions[sessionKeys[servers[key].server]].session)
    }
    return incoming
  }
}
