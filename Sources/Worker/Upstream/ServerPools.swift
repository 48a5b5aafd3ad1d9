import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire

/// A loop's idle connections and TLS sessions for the snapshot's servers.
struct ServerPools: ~Copyable {
  /// Idle connections to one server, the most recently used last, and the recent maximum of connections in use at once.
  struct Pool {
    var idle: [SlabKey] = []
    var demand: PoolDemand
    /// The session that the next connection resumes.
    let session: SlabKey
  }

  struct CachedSession: ~Copyable {
    var session: TLSSession?
  }

  var byServer: [Pool] = []
  var sessions = Slab<CachedSession>()
  /// Number of the loop's connections that are ending (`LoopContext.close`).
  var ending = 0
  /// Other loops are not asked to close idle connections before this instant.
  var asksForRoomAt = Instant(nanoseconds: 0)

  /// Resets to empty pools for this many servers.
  mutating func renew(for count: Int, at now: Instant) {
    for pool in byServer { _ = sessions.remove(pool.session) }
    byServer = (0..<count).map { _ in
      Pool(demand: PoolDemand(at: now), session: sessions.insert(CachedSession()))
    }
  }
}

/// Connections to servers between two exchanges, and how they end.
extension LoopContext {
  /// How long a server may take to close a connection after we have ended our direction.
  static let endingTime = Interval.seconds(1)
  /// Maximum of a loop's connections that end in this way at once; further ones are reset immediately.
  static let endingBound = 1024

  /// An idle connection to the server, if there is a usable one. There is none for an exchange of an earlier snapshot.
  mutating func takePooled(_ server: Int, of service: ServiceSnapshot, askingKernel asks: Bool) -> SlabKey? {
    guard isNewest(service) else { return nil }
    let pool = service.firstServer + server
    while let key = pools.byServer[pool].idle.popLast() {
      if isUsable(key, askingKernel: asks) {
        pools.byServer[pool].demand.took(at: now)
        return key
      }
      close(key)
    }
    return nil
  }

  /// Whether an idle connection has received nothing but TLS messages, as reported by the poller or, if asked, by the
  /// kernel at this moment.
  mutating func isUsable(_ key: SlabKey, askingKernel asks: Bool = false) -> Bool {
    if asks { servers[key].side.stream.became(.readable) }
    return servers[key].isStillIdle(&buffers)
  }

  /// Pools a connection for any client's next request, if there is room.
  mutating func pool(_ key: SlabKey) {
    let pool = servers[key].pool
    guard isNewest(servers[key].snapshot), !isStopping,
      pools.byServer[pool].demand.mayKeep(
        beside: pools.byServer[pool].idle.count, least: servers[key].snapshot.settings.pool.idleConnections),
      sharedState.serverConnectionRoom >= 0,
      snapshot.servers[pool].takesClients,
      isUsable(key)
    else { return close(key) }
    servers[key].becomeIdle(&buffers, at: now)
    pools.byServer[pool].demand.gaveBack(at: now)
    pools.byServer[pool].idle.append(key)
    let due = now + servers[key].snapshot.settings.pool.idleTimeout
    if due < servers[key].armed {
      servers[key].armed = due
      timers.schedule(TimerKey(.server(key.index)).rawValue, at: due)
    }
  }

  /// Handles received data on a pooled connection.
  mutating func checkPooled(_ key: SlabKey) {
    if !isUsable(key) { closePooled(key) }
  }

  /// Handles a pooled connection's timer.
  mutating func serverTimerFired(_ key: SlabKey) {
    servers[key].armed = .distantFuture
    if servers[key].phase == .ending { return endingTimedOut(key) }
    guard servers[key].phase == .pooled else { return }
    let due = servers[key].idleSince + servers[key].snapshot.settings.pool.idleTimeout
    if now >= due { return closePooled(key) }
    servers[key].armed = due
    timers.schedule(TimerKey(.server(key.index)).rawValue, at: due)
  }

  /// Closes every idle connection to a server.
  mutating func emptyPool(of server: Int) {
    while let key = pools.byServer[server].idle.popLast() { close(key) }
  }

  /// Closes all connections to servers, including those that are ending: the loop ends, and its clients are gone.
  mutating func forgetServers() {
    emptyPools()
    for key in servers.keys { forget(key) }
  }

  mutating func emptyPools() { for server in pools.byServer.indices { emptyPool(of: server) } }

  private mutating func closePooled(_ key: SlabKey) {
    let pool = servers[key].pool
    if let index = pools.byServer[pool].idle.firstIndex(of: key) { pools.byServer[pool].idle.remove(at: index) }
    close(key)
  }

  // MARK: Ending

  /// Ends a connection and releases its buffers.
  ///
  /// The side that closes a TCP connection first keeps its port pair for a minute (TIME_WAIT). Here that would be a
  /// source port towards this server, of which there are 28,000, so we avoid closing first:
  ///
  /// - If the server has closed already, we close. The port is free at once.
  /// - Otherwise we send close_notify, to which servers respond by closing, and wait for `endingTime`. Everything that
  ///   was sent reaches the server meanwhile: a request must be carried out even if its client has left, and the last
  ///   bytes of a tunnel may be a logout.
  /// - Then, or when there is no room to wait, the connection is reset. Nothing is lost by that: a client that is still
  ///   connected has received its whole response before an exchange ends, and what a server has not read a second after
  ///   our end belongs to no client. (Towards a client it is different: what its kernel has not delivered is the
  ///   response itself. See `ClientConnection.linger`.)
  /// - A connection on which no request was sent is reset at once: it has no data to lose.
  /// - A direction of a tunnel that has ended in order (FIN) is never followed by a reset: the other direction may
  ///   still carry data. Where the client ends first, the port towards its server is in TIME_WAIT, as TCP requires.
  mutating func close(_ key: SlabKey) {
    leaveDemand(key)
    if servers[key].side.stream.isFlooded {
      noteFailure(of: servers[key].shared, .ofServer, TLSConnection.floodExplanation)
    }
    if servers[key].end(&buffers) == .waitsForServer {
      let mayWait = pools.ending < LoopContext.endingBound && !isStopping && sharedState.serverConnectionRoom >= 0
      if mayWait { return wait(for: key) }
      servers[key].side.stream.abort()
    }
    forget(key)
  }

  /// Ends the connection if there is one, and clears the variable.
  mutating func close(_ place: inout SlabKey?) {
    guard let key = place else { return }
    place = nil
    close(key)
  }

  private mutating func wait(for key: SlabKey) {
    pools.ending += 1
    servers[key].phase = .ending
    servers[key].request = nil
    servers[key].armed = now + LoopContext.endingTime
    timers.schedule(TimerKey(.server(key.index)).rawValue, at: servers[key].armed)
  }

  /// Handles an event on a connection that is ending.
  mutating func checkEnding(_ key: SlabKey) {
    if servers[key].side.stream.hasEnded || servers[key].side.stream.isReset { endingOver(key) }
  }

  private mutating func endingTimedOut(_ key: SlabKey) {
    servers[key].side.stream.abort()
    endingOver(key)
  }

  private mutating func endingOver(_ key: SlabKey) {
    pools.ending -= 1
    forget(key)
  }

  private mutating func forget(_ key: SlabKey) {
    timers.cancel(TimerKey(.server(key.index)).rawValue)
    _ = servers.remove(key)
    sharedState.serverConnectionEnded()
  }

  private mutating func leaveDemand(_ key: SlabKey) {
    guard servers[key].phase != .pooled, isNewest(servers[key].snapshot) else { return }
    pools.byServer[servers[key].pool].demand.gaveBack(at: now)
  }

  // MARK: Making room

  /// Closes an idle connection to make room for a new one; if this loop has none, asks the other loops to close theirs.
  /// False if nothing was closed.
  @discardableResult
  mutating func makeRoomForConnection() -> Bool {
    for server in pools.byServer.indices where !pools.byServer[server].idle.isEmpty {
      reset(pools.byServer[server].idle.removeFirst())
      return true
    }
    if pools.ending > 0, let key = servers.keys.first(where: { servers[$0].phase == .ending }) {
      endingTimedOut(key)
      return true
    }
    guard now >= pools.asksForRoomAt else { return false }
    pools.asksForRoomAt = now + LoopContext.roomInterval
    sharedState.post(.makeRoom)
    return false
  }

  /// Closes idle connections, because another loop lacks descriptors or ports.
  mutating func makeRoomForOthers() {
    pools.asksForRoomAt = now + LoopContext.roomInterval
    for server in pools.byServer.indices {
      while let key = pools.byServer[server].idle.popLast() { reset(key) }
    }
    guard pools.ending > 0 else { return }
    for key in servers.keys where servers[key].phase == .ending { endingTimedOut(key) }
  }

  /// The minimum time between two requests for room to the other loops.
  static let roomInterval = Interval.milliseconds(100)

  /// Closes an idle connection at once, without waiting for the server.
  private mutating func reset(_ key: SlabKey) {
    reports.counters.worker.limits.serverConnections &+= 1
    if servers[key].end(&buffers) == .waitsForServer { servers[key].side.stream.abort() }
    forget(key)
  }
}
