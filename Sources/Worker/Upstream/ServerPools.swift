import Balancing
import Configuration
import Linux
import TLS
import Wire

/// What a loop keeps for the next connections to the snapshot's servers.
struct ServerPools: ~Copyable {
  /// Idle connections to one server, the one used last on top, and how many were in use at once lately.
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
  /// Connections of the loop that end (`LoopContext.close`).
  var ending = 0
  /// Other loops are not asked again before then to close what is idle.
  var asksForRoomAt = Instant(nanoseconds: 0)

  /// Begins with so many servers and nothing kept.
  mutating func renew(for count: Int, at now: Instant) {
    for pool in byServer { _ = sessions.remove(pool.session) }
    byServer = (0..<count).map { _ in
      Pool(demand: PoolDemand(at: now), session: sessions.insert(CachedSession()))
    }
  }
}

/// Connections to servers between two exchanges, and their end.
extension LoopContext {
  /// How long a server may take to close a connection that we have ended, before we do.
  static let endingTime = Interval.seconds(1)
  /// Connections of a loop that may end in this way at once; what comes on top is reset at once.
  static let endingBound = 1024

  /// An idle connection to the server, if there is one that can still be used. There is none for an exchange that
  /// belongs to an earlier snapshot.
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

  /// Nothing has come on an idle connection but what belongs to TLS: as far as the poller told, or as the kernel says
  /// at this moment.
  mutating func isUsable(_ key: SlabKey, askingKernel asks: Bool = false) -> Bool {
    if asks { servers[key].side.stream.became(.readable) }
    return servers[key].isStillIdle(&buffers)
  }

  /// Keeps a connection for any client's next request, as far as there is room.
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

  /// Something came on a pooled connection.
  mutating func checkPooled(_ key: SlabKey) {
    if !isUsable(key) { closePooled(key) }
  }

  /// A pooled connection's timer fired.
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

  /// The loop ends, its clients are gone, and so are all connections to servers, those that wait for an end too.
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

  // MARK: the end

  /// Ends a connection and gives its buffers back.
  ///
  /// Whoever closes a TCP connection first keeps its pair of ports for a minute (TIME_WAIT). Here that would be a source
  /// port towards this server, of which there are 28,000, so we never close first if we can help it:
  ///
  /// - The server has closed already: so do we. The port is free at once.
  /// - Else it is told that nothing more comes (close_notify), which servers answer with their own end, and has
  ///   `endingTime` for that. Everything that was sent reaches it meanwhile: a request of a client that has left may be
  ///   one that is to be carried out, the last words of a tunnel may be a logout.
  /// - Then, or when there is no room to wait, it is reset. That takes nothing away which anybody waits for: a client
  ///   who is still there has had its whole answer before an exchange ends, and what a server has not read a second
  ///   after our end it would read from a connection that leads nowhere. (Towards a client it is different: what its
  ///   kernel has not delivered is the answer itself. See `ClientConnection.linger`.)
  /// - A connection on which no request was sent is reset at once: there is nothing on it to lose.
  /// - A direction of a tunnel that has ended in order (FIN) is never turned into a reset: the other one may still
  ///   flow. Where the client ends first, its server's port is in TIME_WAIT, as the protocol has it.
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

  /// Ends the connection if there is one, and forgets it.
  mutating func close(_ place: inout SlabKey?) {
    guard let key = place else { return }
    place = nil
    close(key)
  }

  private mutating func wait(for key: SlabKey) {
    pools.ending += 1
    servers[key].phase = .ending
    servers[key].client = nil
    servers[key].armed = now + LoopContext.endingTime
    timers.schedule(TimerKey(.server(key.index)).rawValue, at: servers[key].armed)
  }

  /// Something has happened to a connection that ends.
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

  // MARK: room for others

  /// Closes an idle connection for one that is wanted now, and asks the other loops to close theirs when there is none
  /// here. False: nothing was closed.
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

  /// Another loop needs descriptors or ports: what is idle here makes room.
  mutating func makeRoomForOthers() {
    pools.asksForRoomAt = now + LoopContext.roomInterval
    for server in pools.byServer.indices {
      while let key = pools.byServer[server].idle.popLast() { reset(key) }
    }
    guard pools.ending > 0 else { return }
    for key in servers.keys where servers[key].phase == .ending { endingTimedOut(key) }
  }

  /// Between two rounds in which loops ask each other for room.
  static let roomInterval = Interval.milliseconds(100)

  /// Closes an idle connection without waiting for anybody.
  private mutating func reset(_ key: SlabKey) {
    if servers[key].end(&buffers) == .waitsForServer { servers[key].side.stream.abort() }
    forget(key)
  }
}
