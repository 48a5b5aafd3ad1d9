import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// From a request to a server's connection: choose, wait for a place, take a connection or make one, try again.
extension Client {
  /// Chooses a server and asks for a place there.
  mutating func route(_ world: inout World) -> Step {
    adopt(world.generation)
    guard let chosen = choose(&world) else {
      exchange.value.record.termination = Termination(.server, .connect)
      world.counters.unroutable += 1
      return service == .passthrough ? .close : reply(.serviceUnavailable, &world)
    }
    if let server, server != chosen { exchange.value.record.redispatched = true }
    server = chosen
    switch generation.roster.servers[chosen].admit(
      WaitingClient(loop: world.loop, client: key, account: account))
    {
    case .admitted:
      isAdmitted = true
      return obtainConnection(&world)
    case .queued(let ticket):
      // The server may have gone down since it was chosen, and its queue been emptied before this one joined it.
      if generation.roster.epoch != routed?.epoch, generation.roster.servers[chosen].cancel(ticket) {
        return route(&world)
      }
      self.ticket = ticket
      exchange.value.beginQueueing(at: world.now)
      phase = .queued
      return .again
    case .refused:
      exchange.value.record.termination = Termination(.proxy, .queue)
      return service == .passthrough ? .close : reply(.serviceUnavailable, &world)
    }
  }

  /// A request takes the newest generation, whichever one its connection was accepted under.
  private mutating func adopt(_ newest: Generation) {
    guard generation !== newest, generation.isPassthrough == newest.isPassthrough else { return }
    if newest.hosts.count > 1 || certificateSet > 0 {
      certificateSet = newest.certificateSet(like: certificateSet, of: generation)
    }
    generation = newest
    forwarding = newest.forwarding(for: peer.address, isSecure: service == .https)
    server = nil
    routed = nil
    tried = ServerSet()
  }

  /// In the queue: nothing to do until a place is granted.
  mutating func waitForPlace(_ world: inout World) -> Step {
    clientHasLeft ? clientBroke(&world) : .wait
  }

  /// A place was granted while this client waited, unless it has given up meanwhile.
  mutating func granted(_ granted: SharedServer, _ world: inout World) -> Disposition {
    guard phase == .queued, !isAdmitted, let server, generation.roster.servers[server] === granted else {
      Roster.leave(granted, account, world.fleet)
      return .keep
    }
    isAdmitted = true
    ticket = nil
    return obtainConnection(&world) == .close ? .close : advance(&world)
  }

  /// The server that this client waits for takes nobody any more: another one is looked for.
  mutating func rerouted(_ world: inout World) -> Disposition {
    guard phase == .queued else { return .keep }
    ticket = nil
    return route(&world) == .close ? .close : advance(&world)
  }

  /// Takes the private or a pooled connection, or begins to make one.
  private mutating func obtainConnection(_ world: inout World, fresh: Bool = false) -> Step {
    guard let server else { return .close }
    // A request that may not be sent twice is worth a system call that tells whether the server is still there.
    let asks = exchange.value.request?.isIdempotent == false
    if let connection, !fresh, world.servers[connection].leads(to: server, of: generation),
      world.isUsable(connection, askingKernel: asks)
    {
      return begin(on: connection, isReused: true, &world)
    }
    dropConnection(&world)
    if !fresh, service == .https, let pooled = world.takePooled(server, of: generation, askingKernel: asks) {
      connection = pooled
      world.servers[pooled].client = key
      return begin(on: pooled, isReused: true, &world)
    }
    exchange.value.beginAttempt(isReused: false, at: world.now)
    switch world.open(server, of: generation, for: key) {
    case .success(let made):
      connection = made
      phase = .connecting
      return .again
    case .failure(let error):
      let isShortage = error.connectFault == .shortage
      world.noteFailure(of: generation.roster.servers[server], isShortage ? .shortage : .ofServer, error.description)
      return fail(isShortage ? .shortage : .connect, error.description, &world)
    }
  }

  /// A head up to here fits into an ordinary buffer with what it grows by when it is rewritten, with a Host of the usual
  /// length.
  static let ordinaryHeadBytes = Buffer.capacity - 1024

  /// Takes a connection that somebody has given back meanwhile, or tries once more to make one.
  mutating func tryAgain(_ world: inout World) -> Step {
    if clientHasLeft { return clientBroke(&world) }
    guard world.now >= since + Exchange.shortagePause else { return .wait }
    return obtainConnection(&world)
  }

  private mutating func begin(on connection: SlabKey, isReused: Bool, _ world: inout World) -> Step {
    if isReused { exchange.value.beginAttempt(isReused: true, at: world.now) }
    exchange.value.connected(at: world.now)
    world.servers[connection].phase = .open
    phase = .relaying
    guard service == .https else { return .again }
    world.buffers.lease(&world.servers[connection].output)
    if (exchange.value.request?.length ?? 0) > Client.ordinaryHeadBytes {
      world.buffers.enlarge(&world.servers[connection].output)
    }
    let keepAlive = generation.keepsServerConnections
    exchange.value.sendRequestHead(
      from: input, forwarding: forwarding, keepAlive: keepAlive, into: &world.servers[connection].output)
    if world.servers[connection].output.overflowed {
      world.servers[connection].output.removeAll()
      return reply(.headerFieldsTooLarge, &world)
    }
    return .again
  }

  mutating func connect(_ world: inout World) -> Step {
    guard let connection, let server else { return .close }
    if clientHasLeft { return clientBroke(&world) }
    switch world.connect(connection) {
    case .ready: return begin(on: connection, isReused: false, &world)
    case .wait: return .wait
    case .yield: return .yield
    case .failed(let reason):
      world.noteFailure(of: generation.roster.servers[server], .ofServer, reason)
      return fail(.connect, reason, &world)
    case .short(let reason):
      world.noteFailure(of: generation.roster.servers[server], .shortage, reason)
      return fail(.shortage, reason, &world)
    }
  }

  /// The server's side failed: tries again where that is safe, else answers or aborts.
  mutating func fail(_ failure: ServerFailure, _ reason: String, _ world: inout World) -> Step {
    let recovery = exchange.value.recover(from: failure, timeouts: generation.policy.timeouts, at: world.now)
    let failed = server
    let isNews = failure != .down && failure != .shortage && (failure != .gone || recovery != .reconnect)
    if isNews, let failed { generation.roster.suspect(failed) }
    if recovery == .abort { passOnApproved(world) }
    dropConnection(&world)
    switch recovery {
    case .reconnect:
      return obtainConnection(&world, fresh: true)
    case .pause:
      phase = .paused
      since = world.now
      return .again
    case .redispatch:
      leavePlace(&world)
      if let failed { tried.insert(failed) }
      // With every server tried once, the next attempt may go to any of them again.
      if generation.roster.isExhausted(tried) { tried = ServerSet() }
      routed = nil
      return route(&world)
    case .answer(let status):
      return service == .passthrough ? abort(&world) : reply(status, &world)
    case .abort:
      return abort(&world)
    }
  }

  /// Nobody waits for the answer any more. A client that ends its direction before the answer has begun is taken for
  /// gone, as other proxies do: hardly any half-closes, and those who gave up would hold places at the server.
  var clientHasLeft: Bool {
    stream.isReset || stream.hasEnded && exchange.value.isUnanswered && service != .passthrough
  }

  /// The server that this client's connection leads to takes nobody any more: whoever is still connecting goes elsewhere,
  /// and a private connection is of no more use. An exchange under way ends when the server is lost, unless the newest
  /// configuration keeps it.
  mutating func serverClosed(isLost: Bool, _ world: inout World) -> Disposition {
    switch phase {
    case .connecting: break
    case .relaying where isLost && world.generation.configuration.health.onDown == .close: break
    case .awaiting:
      dropConnection(&world)
      return .keep
    case .handshaking, .queued, .paused, .relaying, .replying, .lingering: return .keep
    }
    return fail(.down, "the server accepts no clients", &world) == .close ? .close : advance(&world)
  }

  /// Gives the place at the server back, and its connection to the pool or the kernel.
  mutating func releaseServer(_ world: inout World, reusing: Bool) {
    if let connection {
      if reusing {
        world.servers[connection].hasServed = true
        if exchange.value.isPrivate || !generation.configuration.pool.share {
          world.servers[connection].phase = .open
        } else {
          world.pool(connection)
          self.connection = nil
        }
      } else {
        dropConnection(&world)
      }
    }
    leavePlace(&world)
  }

  private mutating func dropConnection(_ world: inout World) {
    if let connection { world.close(connection) }
    connection = nil
  }

  private mutating func leavePlace(_ world: inout World) {
    guard let server else { return }
    if isAdmitted {
      generation.roster.leave(server, account)
      isAdmitted = false
    } else if let ticket {
      generation.roster.servers[server].cancel(ticket)
    }
    ticket = nil
  }
}
