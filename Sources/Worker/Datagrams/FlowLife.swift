import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Wire

/// How flows begin and end.
extension DatagramRelay {
  /// The flow with these ends, unless its client belongs to another server by now or its listener is gone.
  mutating func known(_ key: Flow.Key, _ context: inout LoopContext) -> SlabKey? {
    guard let number = table.find(key) else { return nil }
    let flow = table.handle(of: number)
    guard listeners.contains(flows[flow].listener) else {
      end(flow, .ofListener, &context)
      return nil
    }
    guard context.now > table[number].lastSeen + Self.pause, hasMoved(flow, &context) else { return flow }
    end(flow, Termination(.normal, .normal), &context, hasMoved: true)
    return nil
  }

  /// Whether the client is assigned to another server, or a reload has given its server another address.
  private func hasMoved(_ flow: SlabKey, _ context: inout LoopContext) -> Bool {
    // As in the newest snapshot, where server and service may have other names.
    let service = listeners[flows[flow].listener].service
    let assigned =
      service.backend.affinity.addresses.lookup(flows[flow].client, at: context.now) ?? flows[flow].shared.id
    guard let server = service.backend.servers.firstIndex(where: { $0.id == assigned }) else { return false }
    return service.servers[server].identity.endpoint.address != flows[flow].identity.endpoint.address
  }

  /// Makes a flow to the client's server, unless maintenance or a limit forbids it or there is no server.
  mutating func begin(
    _ key: Flow.Key, scope: UInt32, at listener: SlabKey, _ context: inout LoopContext
  ) -> SlabKey? {
    let service = listeners[listener].service
    if service.rules != nil, context.refusal(of: .named(key.client), at: key.client, on: .flow, by: service) != nil {
      return nil
    }
    let client = service.identity(of: key.client.address)
    // The cheapest checks come first: this is what a flood costs.
    guard !context.isStopping, !service.shared.isInMaintenance, !service.isOwnEnd(key),
      table.mayBegin(client, at: context.now),
      let choice = service.backend.route(
        client, isRemembered: true, cookie: nil, tried: ServerSet(), at: context.now),
      context.sharedState.flowBegan(client)
    else { return nil }
    guard !context.sharedState.hasTooManyFlows || makeRoom(&context) else {
      context.sharedState.flowEnded(nil)
      return nil
    }
    let shared = service.backend.servers[choice.server]
    do throws(SystemError) {
      let server = Endpoint(address: service.servers[choice.server].identity.endpoint.address, port: key.local.port)
      let descriptor = try DatagramSocket.connect(to: server)
      total &+= 1
      let flow = flows.insert(
        RelayedFlow(
          descriptor: descriptor, listener: listener, snapshot: service, server: choice.server, client: client,
          scope: scope, ordinal: total &* 256 &+ UInt64(context.loop)))
      do throws(SystemError) {
        try context.poller.watchLevel(flows[flow].descriptor, token: Token(.flow, flow).rawValue)
      } catch {
        _ = flows.remove(flow)
        throw error
      }
      flows[flow].number = table.begin(key, flow, at: context.now)
      begun += 1
      shared.flowBegan()
      arm(flow, &context)
      if context.reports.traces.isActive { context.reportFlow(flows[flow].ordinal, key, choice, of: service) }
      return flow
    } catch {
      context.sharedState.flowEnded(nil)
      context.noteFailure(
        of: shared, port: key.local.port, error.connectFault == .shortage ? .shortage : .ofServer, "UDP: \(error)")
      return nil
    }
  }

  /// The client has sent something after the server's first answer. False: it has as many flows as it may have.
  mutating func confirm(_ flow: SlabKey, _ context: inout LoopContext) -> Bool {
    let (client, shared) = (flows[flow].client, flows[flow].shared)
    let addresses = flows[flow].snapshot.backend.affinity.addresses
    flows[flow].account = context.sharedState.flowConfirmed(client)
    guard flows[flow].account != nil else { return false }
    if addresses.lookup(client, at: context.now) == shared.id {
      flows[flow].session = addresses.sessionBegan(client, on: shared.id, at: context.now)
    }
    return true
  }

  private mutating func makeRoom(_ context: inout LoopContext) -> Bool {
    guard let number = table.evictable(at: context.now) else { return false }
    end(table.handle(of: number), Termination(.resource, .data), &context)
    return true
  }

  private func arm(_ flow: SlabKey, _ context: inout LoopContext) {
    let deadline = table.deadline(of: flows[flow].number, idle: flows[flow].snapshot.settings.timeouts.datagrams)
    context.timers.schedule(TimerKey(.flow(flow.index)).rawValue, at: deadline)
  }

  /// The flow's timer has fired. True: it has ended.
  mutating func timerFired(at index: UInt32, _ context: inout LoopContext) -> Bool {
    guard let flow = flows.key(at: index) else { return false }
    let idle = flows[flow].snapshot.settings.timeouts.datagrams
    guard context.now >= table.deadline(of: flows[flow].number, idle: idle) else {
      arm(flow, &context)
      return false
    }
    end(flow, Termination(.normal, .normal), &context)
    return true
  }

  /// The flow's server can't be reached at this port. Its next datagram finds another flow, and another server when the
  /// health checks agree.
  mutating func fail(_ flow: SlabKey, _ code: Int32, _ context: inout LoopContext) {
    let (backend, server) = (flows[flow].snapshot.backend, flows[flow].server)
    context.noteFailure(
      of: backend.servers[server], port: table[flows[flow].number].key.local.port, .ofServer,
      "UDP: \(SystemError.words(for: code))")
    // The server itself may be up.
    backend.suspect(server, .slow)
    end(flow, Termination(.server, table[flows[flow].number].answered == nil ? .connect : .data), &context)
  }

  /// This server takes no new clients any more, or is lost: its flows end like tunnels, those without an answer before.
  mutating func release(_ server: SharedServer, _ presence: ServerPresence, _ context: inout LoopContext) {
    for flow in flows.keys where flows[flow].shared === server {
      let newest = context.snapshot.service(like: flows[flow].snapshot) ?? flows[flow].snapshot
      guard newest.settings.health.onDown != .keep else { continue }
      let isUnanswered = table[flows[flow].number].answered == nil
      guard presence == .lost || isUnanswered && newest.backend.acceptsClients else { continue }
      endings.append((flow, Termination(.down, .data)))
    }
  }

  /// Ends flows that are to end, as far as that is a turn's work.
  mutating func runEndings(_ context: inout LoopContext, clock: () -> Instant) {
    var allowance = ClosingAllowance()
    for _ in 0..<Loop.closingsPerTurn {
      guard let (flow, termination) = endings.popLast() else { return }
      guard flows.contains(flow) else { continue }
      end(flow, termination, &context)
      if allowance.isSpent(clock: clock) { return }
    }
  }

  /// Closes a flow's socket and gives back all that it held.
  mutating func end(
    _ flow: SlabKey, _ termination: Termination, _ context: inout LoopContext, hasMoved: Bool = false
  ) {
    context.timers.cancel(TimerKey(.flow(flow.index)).rawValue)
    let facts = table[flows[flow].number]
    table.end(flows[flow].number)
    context.ended(flows.remove(flow), facts, termination, hasMoved: hasMoved)
  }
}

extension Termination {
  /// The flow's listener is gone.
  static var ofListener: Termination { Termination(.killed, .data) }
}

extension ServiceSnapshot {
  /// Two ends that answer each other would go on for ever: a server's own port, or ours, is no client's.
  fileprivate func isOwnEnd(_ key: Flow.Key) -> Bool {
    key.client.port == key.local.port
      && (key.client.address == key.local.address
        || servers.contains { $0.identity.endpoint.address == key.client.address })
  }
}
