import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// From a request to a server's connection: choose, wait for a place, take a connection or make one, try again.
extension ClientConnection {
  /// Chooses a server and asks for a place there.
  mutating func route(_ context: inout LoopContext) -> Step {
    adopt(context.snapshot)
    guard let chosen = choose(&context) else {
      exchange.value.record.termination = Termination(.server, .connect)
      context.counters.unroutable += 1
      return service == .passthrough ? .close : reply(.serviceUnavailable, &context)
    }
    if let server, server != chosen { exchange.value.record.redispatched = true }
    server = chosen
    switch snapshot.backend.servers[chosen].admit(
      WaitingClient(loop: context.loop, client: key, account: account))
    {
    case .admitted:
      isAdmitted = true
      return obtainConnection(&context)
    case .queued(let ticket):
      // The server may have gone down since it was chosen, and its queue been emptied before this one joined it.
      if snapshot.backend.epoch != routed?.epoch, snapshot.backend.servers[chosen].cancel(ticket) {
        return route(&context)
      }
      self.ticket = ticket
      exchange.value.beginQueueing(at: context.now)
      phase = .queued
      return .again
    case .refused:
      exchange.value.record.termination = Termination(.proxy, .queue)
      return service == .passthrough ? .close : reply(.serviceUnavailable, &context)
    }
  }

  /// A request takes the newest snapshot, whichever one its connection was accepted under.
  private mutating func adopt(_ newest: ConfigurationSnapshot) {
    guard snapshot !== newest, snapshot.isPassthrough == newest.isPassthrough else { return }
    if newest.hosts.count > 1 || certificateSet > 0 {
      certificateSet = newest.certificateSet(like: certificateSet, of: snapshot)
    }
    snapshot = newest
    forwarding = newest.forwarding(for: peer.address, isSecure: service == .https)
    server = nil
    routed = nil
    tried = ServerSet()
  }

  /// In the queue: nothing to do until a place is granted.
  mutating func waitForPlace(_ context: inout LoopContext) -> Step {
    clientHasLeft ? clientBroke(&context) : .wait
  }

  /// A place was granted while this client waited, unless it has given up meanwhile.
  mutating func granted(_ granted: SharedServer, _ context: inout LoopContext) -> Disposition {
    guard phase == .queued, !isAdmitted, let server, snapshot.backend.servers[server] === granted else {
      Backend.leave(granted, account, context.sharedState)
      return .keep
    }
    isAdmitted = true
    ticket = nil
    return obtainConnection(&context) == .close ? .close : advance(&context)
  }

  /// The server that this client waits for takes nobody any more: another one is looked for.
  mutating func rerouted(_ context: inout LoopContext) -> Disposition {
    guard phase == .queued else { return .keep }
    ticket = nil
    return route(&context) == .close ? .close : advance(&context)
  }

  /// Takes the private or a pooled connection, or begins to make one.
  private mutating func obtainConnection(_ context: inout LoopContext, fresh: Bool = false) -> Step {
    guard let server else { return .close }
    // A request that may not be sent twice is worth a system call that tells whether the server is still there.
    let asks = exchange.value.request?.isIdempotent == false
    if let connection, !fresh, context.servers[connection].leads(to: server, of: snapshot),
      context.isUsable(connection, askingKernel: asks)
    {
      return begin(on: connection, isReused: true, &context)
    }
    dropConnection(&context)
    if !fresh, service == .https, let pooled = context.takePooled(server, of: snapshot, askingKernel: asks) {
      connection = pooled
      context.servers[pooled].client = key
      return begin(on: pooled, isReused: true, &context)
    }
    exchange.value.beginAttempt(isReused: false, at: context.now)
    switch context.open(server, of: snapshot, for: key) {
    case .success(let made):
      connection = made
      phase = .connecting
      return .again
    case .failure(let error):
      let isShortage = error.connectFault == .shortage
      context.noteFailure(of: snapshot.backend.servers[server], isShortage ? .shortage : .ofServer, error.description)
      return fail(isShortage ? .shortage : .connect, error.description, &context)
    }
  }

  /// A head up to here fits into an ordinary buffer with what it grows by when it is rewritten, with a Host of the usual
  /// length.
  static let ordinaryHeadBytes = Buffer.capacity - 1024

  /// Takes a connection that somebody has given back meanwhile, or tries once more to make one.
  mutating func tryAgain(_ context: inout LoopContext) -> Step {
    if clientHasLeft { return clientBroke(&context) }
    guard context.now >= since + Exchange.shortagePause else { return .wait }
    return obtainConnection(&context)
  }

  private mutating func begin(on connection: SlabKey, isReused: Bool, _ context: inout LoopContext) -> Step {
    if isReused { exchange.value.beginAttempt(isReused: true, at: context.now) }
    exchange.value.connected(at: context.now)
    context.servers[connection].phase = .open
    phase = .relaying
    guard service == .https else { return .again }
    context.buffers.lease(&context.servers[connection].output)
    if (exchange.value.request?.length ?? 0) > ClientConnection.ordinaryHeadBytes {
      context.buffers.enlarge(&context.servers[connection].output)
    }
    let keepAlive = snapshot.keepsServerConnections
    exchange.value.sendRequestHead(
      from: input, forwarding: forwarding, keepAlive: keepAlive, into: &context.servers[connection].output)
    if context.servers[connection].output.overflowed {
      context.servers[connection].output.removeAll()
      return reply(.headerFieldsTooLarge, &context)
    }
    return .again
  }

  mutating func connect(_ context: inout LoopContext) -> Step {
    guard let connection, let server else { return .close }
    if clientHasLeft { return clientBroke(&context) }
    switch context.connect(connection) {
    case .ready: return begin(on: connection, isReused: false, &context)
    case .wait: return .wait
    case .yield: return .yield
    case .failed(let reason):
      context.noteFailure(of: snapshot.backend.servers[server], .ofServer, reason)
      return fail(.connect, reason, &context)
    case .short(let reason):
      context.noteFailure(of: snapshot.backend.servers[server], .shortage, reason)
      return fail(.shortage, reason, &context)
    }
  }

  /// The server's side failed: tries again where that is safe, else answers or aborts.
  mutating func fail(_ failure: ServerFailure, _ reason: String, _ context: inout LoopContext) -> Step {
    let recovery = exchange.value.recover(from: failure, timeouts: snapshot.policy.timeouts, at: context.now)
    let failed = server
    let isNews = failure != .down && failure != .shortage && (failure != .gone || recovery != .reconnect)
    if isNews, let failed { snapshot.backend.suspect(failed) }
    if recovery == .abort { passOnApproved(context) }
    dropConnection(&context)
    switch recovery {
    case .reconnect:
      return obtainConnection(&context, fresh: true)
    case .pause:
      phase = .paused
      since = context.now
      return .again
    case .redispatch:
      leavePlace(&context)
      if let failed { tried.insert(failed) }
      // With every server tried once, the next attempt may go to any of them again.
      if snapshot.backend.isExhausted(tried) { tried = ServerSet() }
      routed = nil
      return route(&context)
    case .answer(let status):
      return service == .passthrough ? abort(&context) : reply(status, &context)
    case .abort:
      return abort(&context)
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
  mutating func serverClosed(isLost: Bool, _ context: inout LoopContext) -> Disposition {
    switch phase {
    case .connecting: break
    case .relaying where isLost && context.snapshot.configuration.health.onDown == .close: break
    case .awaiting:
      dropConnection(&context)
      return .keep
    case .handshaking, .queued, .paused, .relaying, .replying, .lingering: return .keep
    }
    return fail(.down, "the server accepts no clients", &context) == .close ? .close : advance(&context)
  }

  /// Gives the place at the server back, and its connection to the pool or the kernel.
  mutating func releaseServer(_ context: inout LoopContext, reusing: Bool) {
    if let connection {
      if reusing {
        context.servers[connection].hasServed = true
        if exchange.value.isPrivate || !snapshot.configuration.pool.share {
          context.servers[connection].phase = .open
        } else {
          context.pool(connection)
          self.connection = nil
        }
      } else {
        dropConnection(&context)
      }
    }
    leavePlace(&context)
  }

  private mutating func dropConnection(_ context: inout LoopContext) {
    if let connection { context.close(connection) }
    connection = nil
  }

  private mutating func leavePlace(_ context: inout LoopContext) {
    guard let server else { return }
    if isAdmitted {
      snapshot.backend.leave(server, account)
      isAdmitted = false
    } else if let ticket {
      snapshot.backend.servers[server].cancel(ticket)
    }
    ticket = nil
  }
}
