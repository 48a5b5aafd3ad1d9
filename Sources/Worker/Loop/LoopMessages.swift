import Balancing
import Exchange
import Linux
import Wire

/// Handling of messages from the other loops and the main thread.
extension Loop {
  mutating func readMail() {
    for message in mailbox.take(atMost: Loop.closingsPerTurn) {
      switch message {
      case .granted(let waiting, let server):
        let key = waiting.key.connection
        guard clients.contains(key) else {
          Backend.leave(server, waiting.account, context.sharedState)
          continue
        }
        if clients[key].granted(waiting, server, &context) == .close { remove(key) }
      case .rerouted(let request):
        let key = request.connection
        guard clients.contains(key) else { continue }
        if clients[key].rerouted(request, &context) == .close { remove(key) }
      case .serverClosed(let server):
        if let index = context.snapshot.index(of: server) { context.emptyPool(of: index) }
        releaseClients(of: server, .present)
        datagrams.release(server, .present, &context)
      case .serverLost(let server, let presence):
        releaseClients(of: server, presence)
        datagrams.release(server, presence, &context)
      case .suspect(let server): prober?.suspect(server, &context)
      case .tablesReceived: prober?.tablesReceived(&context)
      case .serverDropped(let server): prober?.drop(server, &context)
      case .adminStateChanged(let number): prober?.apply(upTo: number, &context)
      case .stay: isRetiring = false
      case .adopt(let rollout): adopt(rollout)
      case .inherited(let listener): add(listener)
      case .makeRoom: context.makeRoomForOthers()
      case .roomWanted(let asker, let kind): makeRoom(for: asker, kind)
      case .tracesChanged: context.reports.traces.refresh(at: context.now)
      case .giveBackMemory:
        clients.giveBackPages()
        context.servers.giveBackPages()
        datagrams.flows.giveBackPages()
      // Not before `serve`.
      case .roomMade: if accepting.againAt != .distantFuture { resumeAccepting(now: true) }
      case .serve:
        resumeAccepting(now: true)
        datagrams.serve(&context)
      case .stop(let deadline): stop(until: deadline)
      }
    }
  }

  /// Notifies every client that is connected or connecting to this server that it accepts no more clients.
  private mutating func releaseClients(of server: SharedServer, _ presence: ServerPresence) {
    for key in context.servers.keys where context.servers[key].shared === server {
      closings.append(.release(key, server, presence))
    }
  }

  /// Performs pending operations on connections, within the turn's limits.
  mutating func runClosings(clock: () -> Instant) {
    var allowance = ClosingAllowance()
    for _ in 0..<Loop.closingsPerTurn {
      switch closings.next() {
      case .stop(let key):
        guard clients.contains(key), clients[key].stop(&context) == .close else { continue }
        remove(key)
        if allowance.isSpent(clock: clock) { return }
      case .release(let key, let server, let presence):
        guard context.servers.contains(key), context.servers[key].shared === server,
          let request = context.servers[key].request, clients.contains(request.connection)
        else { continue }
        if clients[request.connection].serverClosed(presence, for: request, &context) == .close {
          remove(request.connection)
        }
        if allowance.isSpent(clock: clock) { return }
      case nil: return
      }
    }
  }

  /// Stops accepting, and ends every idle client. The others end with their exchange, or at the deadline.
  private mutating func stop(until deadline: Instant) {
    context.isStopping = true
    stopDeadline = deadline
    for key in accepting.listeners.keys {
      // The supervisor may still hold the same socket: closing our descriptor alone would leave it registered.
      context.poller.forget(accepting.listeners[key].descriptor)
      _ = accepting.listeners.remove(key)
    }
    context.emptyPools()
    for key in clients.keys { closings.append(.stop(key)) }
  }

  /// Closes a client's connection and releases its resources.
  mutating func remove(_ key: SlabKey) {
    context.timers.cancel(TimerKey(.client(key.index)).rawValue)
    var connection = clients.remove(key)
    connection.end(&context)
    connection.client.snapshot.shared.connectionEnded()
    context.sharedState.connectionEnded(connection.client.peer.account)
  }
}
