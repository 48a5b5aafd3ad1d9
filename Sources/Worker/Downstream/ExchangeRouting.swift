import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Wire

/// From a request to a server's connection: choose a server, wait for a slot, take or open a connection, retry.
extension ActiveExchange {
  /// Chooses a server and requests a slot there.
  mutating func place(_ client: inout Client, _ context: inout LoopContext) -> Effects {
    var isOther = false
    while true {
      adoptNewest(&client, &context)
      let backend = snapshot.backend
      let epoch = backend.epoch
      guard let chosen = choose(at: epoch, &client, &context) else {
        context.reports.counters.refused.unroutable += 1
        if context.reports.traces.isActive {
          placement = .none
          reportPlacement(&client, &context)
        }
        return effects(of: .noServer, context)
      }
      if let server, server != chosen { isOther = true }
      position = .outside(chosen)
      if context.reports.traces.isActive { reportPlacement(&client, &context) }
      let waiting = WaitingRequest(loop: context.loop, key: key(on: client), account: identity(on: client).account)
      switch backend.servers[chosen].admit(waiting) {
      case .admitted:
        position = .admitted(chosen)
        return exchange.placed(isOther: isOther)
      case .queued(let ticket):
        // The server may have gone down since it was chosen, and its queue emptied before this request joined it.
        if backend.epoch != epoch, backend.servers[chosen].cancel(ticket) { continue }
        position = .queued(chosen, ticket)
        return effects(of: .queued(isOther: isOther), context)
      case .refused:
        context.reports.counters.worker.limits.queue &+= 1
        if context.reports.traces.isActive { client.cause = .queueFull }
        return effects(of: .queueFull(isOther: isOther), context)
      }
    }
  }

  /// Changes to the newest snapshot of the connection's service, in which servers may have other numbers.
  mutating func adoptNewest(_ client: inout Client, _ context: inout LoopContext) {
    client.adoptNewest(&context)
    guard snapshot !== client.snapshot else { return }
    (snapshot, position, tried) = (client.snapshot, .none, ServerSet())
  }

  /// The server has granted a slot. False when the request does not wait for it.
  mutating func admitted(by shared: SharedServer) -> Bool {
    guard case .queued(let server, _) = position, snapshot.backend.servers[server] === shared else { return false }
    position = .admitted(server)
    return true
  }

  /// The server has removed the request from its queue. False when it does not wait in one.
  mutating func dequeued() -> Bool {
    guard case .queued(let server, _) = position else { return false }
    position = .outside(server)
    return true
  }

  /// Takes the kept connection or a pooled one, or begins to open a new one.
  mutating func obtainConnection(
    _ client: inout Client, _ context: inout LoopContext, fresh: Bool = false
  ) -> Effects {
    guard case .admitted(let server) = position else { return effects(of: .abandoned(isStopping: false), context) }
    // For a request that must not be sent twice, a system call checks whether the server has closed the connection.
    let asks = !exchange.mayRunTwice
    if let connection, !fresh, context.servers[connection].leads(to: server, of: snapshot),
      context.isUsable(connection, askingKernel: asks)
    {
      return opened(connection, isReused: true, &context)
    }
    context.close(&connection)
    if !fresh, exchange.kind == .relayed,
      let pooled = context.takePooled(server, of: snapshot, askingKernel: asks)
    {
      connection = pooled
      context.servers[pooled].request = key(on: client)
      return opened(pooled, isReused: true, &context)
    }
    let effects = effects(of: .connecting, context)
    let isNamed = snapshot.servers[server].sendsProxyHeader && !client.entrance.isRelay
    let made = context.open(
      server, at: client.relayedPort, of: snapshot, for: key(on: client),
      proxyHeader: isNamed ? proxyHeader(client) : nil)
    switch made {
    case .success(let made):
      connection = made
      return effects
    case .failure(let error):
      let isShortage = error.connectFault == .shortage
      let shared = snapshot.backend.servers[server]
      context.noteFailure(of: shared, port: client.relayedPort, isShortage ? .shortage : .ofServer, error.description)
      return self.effects(of: .connectFailed(isShortage: isShortage), context)
    }
  }

  /// A request head of this length fits into an ordinary buffer after rewriting, if its Host has the usual length.
  static let ordinaryHeadBytes = Buffer.capacity - 1024

  private mutating func opened(_ connection: SlabKey, isReused: Bool, _ context: inout LoopContext) -> Effects {
    context.servers[connection].phase = .open
    if !isReused { countConnection(&context) }
    return exchange.connected(isReused: isReused, at: context.now)
  }

  /// Writes the request head for the server.
  mutating func sendHead(_ client: inout Client, _ context: inout LoopContext) -> Effects {
    guard let connection else { return .none }
    context.buffers.lease(&context.servers[connection].side.output)
    let edits = exchange.request?.framing == .chunked ? edits : snapshot.edits.request
    let added = client.certificate.fields.count &+ (edits?.lines.count ?? 0)
    if (exchange.request?.length ?? 0) &+ added > ActiveExchange.ordinaryHeadBytes {
      context.buffers.enlarge(&context.servers[connection].side.output)
    }
    exchange.sendRequestHead(
      from: client.side.input.bytes, forwarding: client.forwarding, certificate: client.certificate.fields.span,
      keepAlive: snapshot.keepsServerConnections, edits: edits,
      into: &context.servers[connection].side.output)
    if !context.servers[connection].side.output.overflowed { return .none }
    context.servers[connection].side.output.removeAll()
    return effects(of: .requestHeadTooLarge, context)
  }

  /// Continues connecting.
  mutating func connect(_ client: inout Client, _ context: inout LoopContext) -> Step {
    guard let connection, let server else { return .close }
    if hasLeft(client) { return clientLeft(&client, &context) }
    switch context.connect(connection) {
    case .ready: return perform(opened(connection, isReused: false, &context), &client, &context)
    case .wait: return .wait
    case .yield: return .yield
    case .failed(let reason):
      let shared = snapshot.backend.servers[server]
      context.noteFailure(of: shared, port: client.relayedPort, .ofServer, reason)
      return react(to: .connectFailed(isShortage: false), &client, &context)
    case .short(let reason):
      context.noteFailure(of: snapshot.backend.servers[server], .shortage, reason)
      return react(to: .connectFailed(isShortage: true), &client, &context)
    }
  }

  /// Keeps the server's connection for another request: of this client, or of any client.
  mutating func keepConnection(_ client: borrowing Client, _ context: inout LoopContext) {
    guard let connection else { return }
    context.servers[connection].hasServed = true
    let isShared = snapshot.settings.pool.share && context.servers[connection].proxyHeader == nil
    if exchange.isPrivate || !isShared {
      context.servers[connection].phase = .open
    } else {
      context.pool(connection)
      self.connection = nil
    }
  }

  /// Excludes the server, which failed in this exchange.
  mutating func excludeServer(_ client: inout Client) {
    // On a port of `relay` the client stays with its server: it has no session at another one.
    guard !isDedicated, !client.entrance.isRelay, let server else { return }
    tried = snapshot.backend.tried(server, after: tried)
    client.routed = nil
  }

  /// Releases the slot at the server, or leaves its queue.
  mutating func releaseSlot(_ client: borrowing Client) {
    guard let server else { return }
    switch position {
    case .none, .outside: break
    case .queued(_, let ticket): snapshot.backend.servers[server].cancel(ticket)
    case .admitted: snapshot.backend.leave(server, identity(on: client).account)
    }
    position = .outside(server)
  }
}
