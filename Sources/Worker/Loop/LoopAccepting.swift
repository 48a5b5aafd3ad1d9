import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import WorkerProtocol
import Logging
import TLS
import Wire

/// New connections: as many as the limits allow, and none while the process has no room.
extension Loop {
  /// Answers whether more may wait that there is room for.
  @discardableResult
  mutating func accept(_ key: SlabKey) -> Bool {
    // An event of the same batch may have paused or ended accepting.
    guard acceptAgainAt == nil, listeners.contains(key) else { return false }
    for _ in 0..<Loop.acceptsPerTurn {
      // Without a place, newcomers wait in the kernel until somebody has made room.
      guard hasRoom() else {
        pauseAccepting()
        askForRoom()
        return false
      }
      do throws(SystemError) {
        guard let accepted = try Socket.accept(from: listeners[key].descriptor) else { return false }
        try admit(accepted, listeners[key].service)
      } catch {
        notePause(error.description)
        pauseAccepting()
        return false
      }
    }
    return true
  }

  private mutating func admit(_ accepted: consuming Accepted, _ service: ClientConnection.Service) throws(SystemError) {
    let peer = accepted.peer
    let snapshot = context.snapshot
    let identity = snapshot.identity(of: peer.address)
    let forwarding = snapshot.forwarding(for: peer.address, isSecure: service == .https)
    let isProxy = forwarding.isPeerTrusted
    var opened = context.sharedState.connectionBegan(identity, isProxy: isProxy)
    // Nobody makes room for one who would be refused all the same.
    if opened == .failure(.total), let displaced = leastMissed() {
      displace(displaced)
      opened = context.sharedState.connectionBegan(identity, isProxy: isProxy)
    }
    guard case .success(let account) = opened else {
      context.counters.refusedConnections += 1
      return
    }
    context.counters.connections += 1
    let key = clients.insert(
      ClientConnection(
        stream: Stream(plain: accepted.takeDescriptor()), service: service, peer: peer, identity: identity,
        account: account, forwarding: forwarding, snapshot: snapshot, at: context.now))
    clients[key].key = key
    do throws(SystemError) {
      try context.poller.watch(clients[key].stream.descriptor, token: Token(.client, key).rawValue)
    } catch {
      remove(key)
      throw error
    }
    if clients[key].advance(&context) == .close {
      remove(key)
    } else {
      silent.append(key, among: clients)
    }
  }

  /// Lets new connections wait in the kernel for a while.
  private mutating func pauseAccepting() {
    acceptAgainAt = context.now + Loop.acceptPause
    for key in listeners.keys { context.poller.forget(listeners[key].descriptor) }
  }

  /// Tells the operator now and then why newcomers wait.
  mutating func notePause(_ reason: String) {
    guard context.now >= nextPauseNotice else { return }
    nextPauseNotice = context.now + Loop.roomNoticeInterval
    context.log.warning("accepting pauses: \(reason)")
  }

  /// Watches the listeners again when the pause is over, or `now`.
  mutating func resumeAccepting(now: Bool = false) {
    guard let again = acceptAgainAt, now || context.now >= again else { return }
    if !hasRoom() {
      // Of the loops that were asked, some do not answer.
      guard isAskingForRoom, !now, let key = leastMissed() else {
        acceptAgainAt = context.now + Loop.acceptPause
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
      try context.poller.watchLevel(listeners[key].descriptor, token: Token(.listener, key).rawValue)
    } catch {
      context.log.error("listener \(listeners[key].place.endpoint): \(error)")
    }
  }
}
