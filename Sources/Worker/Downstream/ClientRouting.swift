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
  mutating func place(_ context: inout LoopContext) -> Effects {
    var isOther = false
    while true {
      adopt(context.snapshot)
      guard let chosen = choose(&context) else {
        context.counters.unroutable += 1
        return tell(.noServer, context)
      }
      if let server, server != chosen { isOther = true }
      server = chosen
      let waiting = WaitingClient(loop: context.loop, client: key, account: account)
      switch snapshot.backend.servers[chosen].admit(waiting) {
      case .admitted:
        isAdmitted = true
        return exchange.value.placed(isOther: isOther)
      case .queued(let ticket):
        // The server may have gone down since it was chosen, and its queue been emptied before this one joined it.
        if snapshot.backend.epoch != routed?.epoch, snapshot.backend.servers[chosen].cancel(ticket) { continue }
        self.ticket = ticket
        return tell(.queued(isOther: isOther), context)
      case .refused:
        return tell(.queueFull(isOther: isOther), context)
      }
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

  /// It waits in the queue of this server.
  private func isQueued(at place: SharedServer) -> Bool {
    guard exchange.isLeased, !isAdmitted, let server, snapshot.backend.servers[server] === place else { return false }
    if case .queued = exchange.value.state { return true }
    return false
  }

  /// A place was granted while this client waited, unless it has given up meanwhile.
  mutating func granted(_ granted: SharedServer, _ context: inout LoopContext) -> Disposition {
    guard isQueued(at: granted) else {
      Backend.leave(granted, account, context.sharedState)
      return .keep
    }
    isAdmitted = true
    ticket = nil
    return handle(.placed(isOther: false), &context)
  }

  /// The server that this client waits for takes nobody any more: another one is looked for.
  mutating func rerouted(_ context: inout LoopContext) -> Disposition {
    guard exchange.isLeased, case .queued = exchange.value.state else { return .keep }
    ticket = nil
    return handle(.displaced, &context)
  }

  /// Takes the private or a pooled connection, or begins to make one.
  mutating func obtainConnection(_ context: inout LoopContext, fresh: Bool = false) -> Effects {
    guard let server else { return tell(.abandoned(isStopping: false), context) }
    // A request that may not be sent twice is worth a system call that tells whether the server is still there.
    let asks = !exchange.value.mayRunTwice
    if let connection, !fresh, context.servers[connection].leads(to: server, of: snapshot),
      context.isUsable(connection, askingKernel: asks)
    {
      return opened(connection, isReused: true, &context)
    }
    dropConnection(&context)
    if !fresh, service == .https, let pooled = context.takePooled(server, of: snapshot, askingKernel: asks) {
      connection = pooled
      context.servers[pooled].client = key
      return opened(pooled, isReused: true, &context)
    }
    let effects = tell(.connecting, context)
    switch context.open(server, of: snapshot, for: key) {
    case .success(let made):
      connection = made
      return effects
    case .failure(let error):
      let isShortage = error.connectFault == .shortage
      context.noteFailure(of: snapshot.backend.servers[server], isShortage ? .shortage : .ofServer, error.description)
      return tell(.failed(isShortage ? .shortage : .connect), context)
    }
  }

  /// A head up to here fits into an ordinary buffer with what it grows by when it is rewritten, with a Host of the usual
  /// length.
  static let ordinaryHeadBytes = Buffer.capacity - 1024

  private mutating func opened(_ connection: SlabKey, isReused: Bool, _ context: inout LoopContext) -> Effects {
    context.servers[connection].phase = .open
    return exchange.value.connected(isReused: isReused, at: context.now)
  }

  /// Writes the request's head for the server.
  mutating func sendHead(_ context: inout LoopContext) -> Effects {
    guard let connection else { return .none }
    context.buffers.lease(&context.servers[connection].output)
    if (exchange.value.request?.length ?? 0) > ClientConnection.ordinaryHeadBytes {
      context.buffers.enlarge(&context.servers[connection].output)
    }
    exchange.value.sendRequestHead(
      from: input, forwarding: forwarding, keepAlive: snapshot.keepsServerConnections,
      into: &context.servers[connection].output)
    guard context.servers[connection].output.overflowed else { return .none }
    context.servers[connection].output.removeAll()
    return tell(.requestHeadTooLarge, context)
  }

  /// Goes on connecting.
  mutating func connect(_ context: inout LoopContext) -> Step {
    guard let connection, let server else { return .close }
    if clientHasLeft { return clientLeft(&context) }
    switch context.connect(connection) {
    case .ready: return perform(opened(connection, isReused: false, &context), &context)
    case .wait: return .wait
    case .yield: return .yield
    case .failed(let reason):
      context.noteFailure(of: snapshot.backend.servers[server], .ofServer, reason)
      return react(to: .failed(.connect), &context)
    case .short(let reason):
      context.noteFailure(of: snapshot.backend.servers[server], .shortage, reason)
      return react(to: .failed(.shortage), &context)
    }
  }

  /// Nobody waits for the answer any more. A client that ends its direction before the answer has begun is taken for
  /// gone, as other proxies do: hardly any half-closes, and those who gave up would hold places at the server.
  /// Mutating only so that the client is not copied for the call.
  @inline(__always)
  var clientHasLeft: Bool {
    mutating get { stream.isReset || stream.hasEnded && exchange.value.isUnanswered && service != .passthrough }
  }

  /// The server that this client's connection leads to takes nobody any more. An exchange under way ends when the server is
  /// lost, unless the newest configuration keeps it.
  mutating func serverClosed(_ presence: ServerPresence, _ context: inout LoopContext) -> Disposition {
    guard phase == .open else { return .keep }
    guard exchange.isLeased else {
      // A connection kept for this client is of no more use.
      dropConnection(&context)
      return .keep
    }
    let newest = context.snapshot
    // Where nobody else can take it a request waits for a silent server.
    let isKept = newest.configuration.health.onDown == .keep || presence == .silent && !newest.backend.takesAnybody
    let effects = tell(.serverDown(isKept ? .present : presence), context)
    if effects.isEmpty { return .keep }
    return perform(effects, &context) == .close ? .close : advance(&context)
  }

  /// Keeps the server's connection for another request: for this client, or for anybody's.
  mutating func keepConnection(_ context: inout LoopContext) {
    guard let connection else { return }
    context.servers[connection].hasServed = true
    if exchange.value.isPrivate || !snapshot.configuration.pool.share {
      context.servers[connection].phase = .open
    } else {
      context.pool(connection)
      self.connection = nil
    }
  }

  /// The server failed this exchange. With every server tried once, the next attempt may go to any of them again.
  mutating func excludeServer() {
    if let server { tried.insert(server) }
    if snapshot.backend.isExhausted(tried) { tried = ServerSet() }
    routed = nil
  }

  mutating func dropConnection(_ context: inout LoopContext) {
    if let connection { context.close(connection) }
    connection = nil
  }

  /// Gives the place at the server back, or leaves its queue.
  mutating func leavePlace(_ context: inout LoopContext) {
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
