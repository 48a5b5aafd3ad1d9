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
      // Without a place, newcomers wait in the kernel until somebody has made room.
      guard hasRoom() else {
        pauseAccepting()
        return askForRoom()
      }
      do throws(SystemError) {
        guard let accepted = try Socket.accept(from: listeners[key].descriptor) else { return }
        try admit(accepted, listeners[key].service)
      } catch {
        notePause(error.description)
        return pauseAccepting()
      }
    }
  }

  private mutating func admit(_ accepted: consuming Accepted, _ service: Client.Service) throws(SystemError) {
    let peer = accepted.peer
    let generation = world.generation
    let identity = generation.identity(of: peer.address)
    let forwarding = generation.forwarding(for: peer.address, isSecure: service == .https)
    let isProxy = forwarding.isPeerTrusted
    var opened = world.fleet.connectionBegan(identity, isProxy: isProxy)
    // Nobody makes room for one who would be refused all the same.
    if opened == .failure(.total), let displaced = leastMissed() {
      displace(displaced)
      opened = world.fleet.connectionBegan(identity, isProxy: isProxy)
    }
    guard case .success(let account) = opened else {
      world.counters.refusedConnections += 1
      return
    }
    world.counters.connections += 1
    let key = clients.insert(
      Client(
        stream: Stream(plain: accepted.takeDescriptor()), service: service, peer: peer, identity: identity,
        account: account, forwarding: forwarding, generation: generation, at: world.now))
    clients[key].key = key
    do throws(SystemError) {
      try world.poller.watch(clients[key].stream.descriptor, token: Token(.client, key).rawValue)
    } catch {
      remove(key)
      throw error
    }
    if clients[key].advance(&world) == .close {
      remove(key)
    } else {
      silent.append(key, among: clients)
    }
  }

  /// Lets new connections wait in the kernel for a while.
  private mutating func pauseAccepting() {
    acceptAgainAt = world.now + Loop.acceptPause
    for key in listeners.keys { world.poller.forget(listeners[key].descriptor) }
  }

  /// Tells the operator now and then why newcomers wait.
  mutating func notePause(_ reason: String) {
    guard world.now >= nextPauseNotice else { return }
    nextPauseNotice = world.now + Loop.roomNoticeInterval
    world.log.warning("accepting pauses: \(reason)")
  }

  /// Watches the listeners again when the pause is over, or `now`.
  mutating func resumeAccepting(now: Bool = false) {
    guard let again = acceptAgainAt, now || world.now >= again else { return }
    if !hasRoom() {
      // Of the loops that were asked, some do not answer.
      guard isAskingForRoom, !now, let key = leastMissed() else {
        acceptAgainAt = world.now + Loop.acceptPause
        return askForRoom()
      }
      displace(key)
    }
    isAskingForRoom = false
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
