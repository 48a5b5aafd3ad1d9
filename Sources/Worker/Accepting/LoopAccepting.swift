import Balancing
import Configuration
import Domain
import HTTP1
import Linux
import Logging
import Wire
import WorkerProtocol

/// A loop's listeners, and whether it accepts connections.
struct Accepting: ~Copyable {
  struct Listener: ~Copyable {
    let descriptor: Descriptor
    let identity: ListenerIdentity
    /// As in the newest snapshot.
    var entrance: Client.Entrance
    var service: ServiceSnapshot

    consuming func takeDescriptor() -> Descriptor { descriptor }
  }

  var listeners = Slab<Listener>(capacity: 8)
  /// Nil while listeners are polled. Accepting begins with `LoopMessage.serve`.
  var againAt: Instant? = .distantFuture
  /// Whether the other loops have been asked to make room and have not all answered.
  var isAskingForRoom = false
}

/// New connections: as many as the limits allow, and none while the process has no room.
extension Loop {
  mutating func accept(_ key: SlabKey, atMost count: Int = Loop.acceptsPerTurn) {
    // An earlier event of the same batch may have paused or ended accepting.
    guard accepting.againAt == nil, accepting.listeners.contains(key) else { return }
    for _ in 0..<count {
      // Without room, new connections wait in the kernel until another one was closed.
      guard hasRoom() else {
        pauseAccepting()
        return askForRoom()
      }
      do throws(SystemError) {
        guard let accepted = try Socket.accept(from: accepting.listeners[key].descriptor) else { return }
        try admit(accepted, from: key)
      } catch {
        notePause(error.description)
        return pauseAccepting()
      }
    }
  }

  /// Accepts a connection after `hasRoom`. If another loop has used up the room since, each loop has at most one
  /// connection above the limit (their descriptors are reserved) until the next new connection requires room: no active
  /// client is closed for that.
  mutating func admit(_ accepted: consuming Accepted, from listener: SlabKey) throws(SystemError) {
    let peer = accepted.peer
    let (entrance, snapshot) = (accepting.listeners[listener].entrance, accepting.listeners[listener].service)
    let identity = snapshot.identity(of: peer.address)
    let forwarding = snapshot.forwarding(for: peer.address, isSecure: entrance.hasTLS)
    let isProxy = forwarding.isPeerTrusted
    // Where services share the listener, the client has yet to name one.
    if snapshot.rules != nil,
      let refusal = context.refusal(
        of: isProxy ? .awaited : .named(peer), at: peer, on: entrance.several == nil ? .connection : .sharedConnection,
        by: snapshot)
    {
      if context.reports.traces.isActive { context.reportRefusal(of: peer, at: entrance, refusal, by: snapshot) }
      return
    }
    // Before room is made: no client is closed for a connection that is refused.
    guard let account = context.sharedState.connectionBegan(identity, isProxy: isProxy) else {
      context.reports.counters.refused.connections += 1
      context.reports.counters.clientLimitReached()
      if context.reports.traces.isActive {
        context.reportRefusal(of: peer, at: entrance, snapshot, "limits.connections-per-address")
      }
      return
    }
    context.reports.counters.connections += 1
    snapshot.shared.connectionBegan()
    if context.sharedState.isOverfull, let key = evictionCandidate() { displace(key) }
    let key = clients.insert(
      ClientConnection(
        Client(
          side: RelaySide(accepted.takeDescriptor()), entrance: entrance,
          peer: ClientIdentity(endpoint: peer, key: identity, account: account), forwarding: forwarding,
          snapshot: snapshot),
        at: context.now))
    clients[key].client.key = key
    if context.reports.traces.isActive { clients[key].client.follow(isNew: true, &context) }
    do throws(SystemError) {
      try context.poller.watch(clients[key].client.side.stream.descriptor, token: Token(.client, key).rawValue)
    } catch {
      remove(key)
      throw error
    }
    if clients[key].advance(&context) == .close {
      remove(key)
    } else {
      evictable.silent.append(key, among: clients)
    }
  }

  /// Leaves new connections waiting in the kernel for a while.
  private mutating func pauseAccepting() {
    context.reports.counters.worker.limits.pauses &+= 1
    accepting.againAt = context.now + Loop.acceptPause
    for key in accepting.listeners.keys { context.poller.forget(accepting.listeners[key].descriptor) }
  }

  /// Logs, at a limited rate, why new connections wait.
  mutating func notePause(_ reason: String) {
    if notices.take(.pause, at: context.now) != nil { context.reports.log.warning("accepting pauses: \(reason)") }
  }

  /// Polls the listeners again when the pause is over, or `now`.
  mutating func resumeAccepting(now: Bool = false) {
    guard let again = accepting.againAt, now || context.now >= again else { return }
    if !hasRoom() {
      // Some of the loops that were asked do not answer.
      guard accepting.isAskingForRoom, !now, let key = evictable.victim(among: clients) else {
        accepting.againAt = context.now + Loop.acceptPause
        return askForRoom()
      }
      displace(key)
    }
    accepting.isAskingForRoom = false
    accepting.againAt = nil
    for key in accepting.listeners.keys where accepting.againAt == nil { watch(key) }
  }

  mutating func watch(_ key: SlabKey) {
    do throws(SystemError) {
      try context.poller.watchLevel(accepting.listeners[key].descriptor, token: Token(.listener, key).rawValue)
    } catch {
      notePause("listener \(accepting.listeners[key].identity.endpoint): \(error)")
      pauseAccepting()
    }
  }
}
