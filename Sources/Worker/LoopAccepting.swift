import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Roles
import Logging
import TLS
import Wire

/// New connections: as many as the limits allow, and none while the process has no room.
extension Loop {
  mutating func accept(_ key: SlabKey) {
    // An event of the same batch may have paused or ended accepting.
    guard acceptAgainAt == nil, listeners.contains(key) else { return }
    for _ in 0..<Loop.acceptsPerTurn {
      if world.fleet.isFull {
        return pauseAccepting("\(world.fleet.limitInForce) connections are open (limits: connections)")
      }
      do throws(SystemError) {
        guard let accepted = try Socket.accept(from: listeners[key].descriptor) else { return }
        try admit(accepted, listeners[key].service)
      } catch {
        return pauseAccepting(error.description)
      }
    }
  }

  private mutating func admit(_ accepted: consuming Accepted, _ service: Client.Service) throws(SystemError) {
    let peer = accepted.peer
    let generation = world.generation
    let identity = generation.identity(of: peer.address)
    guard world.fleet.connectionBegan(identity) else {
      world.counters.refusedConnections += 1
      return
    }
    world.counters.connections += 1
    let stream: Stream
    do throws(TLSError) {
      stream = try makeStream(accepted.takeDescriptor(), service)
    } catch {
      world.log.error("TLS for \(peer) could not begin: \(error)", metadata: ["client": "\(peer.address)"])
      world.fleet.connectionEnded(identity)
      return
    }
    let key = clients.insert(
      Client(
        stream: stream, service: service, peer: peer, identity: identity,
        forwarding: generation.forwarding(for: peer.address, isSecure: service == .https), generation: generation,
        at: world.now))
    clients[key].key = key
    do throws(SystemError) {
      try world.poller.watch(clients[key].stream.descriptor, token: Token(.client, key).rawValue)
    } catch {
      remove(key)
      throw error
    }
    if clients[key].advance(&world) == .close { remove(key) }
  }

  private func makeStream(
    _ descriptor: consuming Descriptor, _ service: Client.Service
  ) throws(TLSError) -> Stream {
    if service == .https, let front = world.generation.front {
      return try Stream(accepting: descriptor, context: front, through: world.bio)
    }
    return Stream(plain: descriptor)
  }

  /// Lets new connections wait in the kernel for a while.
  private mutating func pauseAccepting(_ reason: String) {
    world.log.warning("accepting pauses: \(reason)")
    acceptAgainAt = world.now + Loop.acceptPause
    for key in listeners.keys { world.poller.forget(listeners[key].descriptor) }
  }

  /// Watches the listeners again when the pause is over, or `now`.
  mutating func resumeAccepting(now: Bool = false) {
    guard let again = acceptAgainAt, now || world.now >= again else { return }
    guard !world.fleet.isFull else {
      acceptAgainAt = world.now + Loop.acceptPause
      return
    }
    acceptAgainAt = nil
    for key in listeners.keys { watch(key) }
  }

  mutating func watch(_ key: SlabKey) {
    do throws(SystemError) {
      try world.poller.watchLevel(listeners[key].descriptor, token: Token(.listener, key).rawValue)
    } catch {
      world.log.error("listener \(listeners[key].place.endpoint): \(error)")
    }
  }
}
