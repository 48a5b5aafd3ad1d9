import Linux
import Logging
import WorkerProtocol

/// Adopting another snapshot: new connections and requests use it, existing ones keep theirs until they end.
extension Loop {
  mutating func adopt(_ rollout: SnapshotRollout) {
    defer { rollout.done() }
    guard !context.isStopping else { return }
    context.adopt(rollout.snapshot)
    prober?.adopt(rollout.snapshot, &context)
    for key in accepting.listeners.keys where rollout.withdrawn.contains(accepting.listeners[key].identity) {
      close(key)
    }
    for key in datagrams.listeners.keys where rollout.withdrawn.contains(datagrams.listeners[key].identity) {
      _ = datagrams.remove(key, &context)
    }
    assignListeners()
    for listener in rollout.listeners where Int(listener.identity.loop) % rollout.loops == context.loop {
      add(listener)
    }
    for key in accepting.listeners.keys { handOn(key, loops: rollout.loops) }
    for key in datagrams.listeners.keys {
      let identity = datagrams.listeners[key].identity
      guard let owner = owner(of: identity, loops: rollout.loops) else { continue }
      let listener = datagrams.remove(key, &context)
      owner.post(.inherited(HandedListener(identity: identity, descriptor: listener.takeDescriptor())))
    }
    isRetiring = context.loop >= rollout.loops
  }

  /// Assigns the listeners to the services of the newest snapshot.
  mutating func assignListeners() {
    for key in accepting.listeners.keys {
      let identity = accepting.listeners[key].identity
      (accepting.listeners[key].entrance, accepting.listeners[key].service) = context.snapshot.entrance(at: identity)
    }
    for key in datagrams.listeners.keys {
      datagrams.listeners[key].service = context.snapshot.entrance(at: datagrams.listeners[key].identity).service
    }
  }

  /// Adds a listener; it is not polled before the servers' states are known.
  mutating func add(_ handed: HandedListener) {
    let (entrance, service) = context.snapshot.entrance(at: handed.identity)
    if handed.identity.purpose == .datagrams { return datagrams.add(handed, service, &context) }
    let key = accepting.listeners.insert(
      Accepting.Listener(
        descriptor: handed.takeDescriptor(), identity: handed.identity, entrance: entrance, service: service))
    guard accepting.againAt == nil else { return }
    watch(key)
  }

  /// Accepts the connections that wait in the listener's queue, then closes the listener.
  private mutating func close(_ key: SlabKey) {
    accept(key, atMost: Int(Socket.backlog) + 1)
    // The supervisor still holds the same socket: closing our descriptor alone would leave it registered.
    context.poller.forget(accepting.listeners[key].descriptor)
    _ = accepting.listeners.remove(key)
  }

  /// Passes a listener to its new loop, so that connections in its queue are not refused.
  private mutating func handOn(_ key: SlabKey, loops: Int) {
    let identity = accepting.listeners[key].identity
    guard let owner = owner(of: identity, loops: loops) else { return }
    context.poller.forget(accepting.listeners[key].descriptor)
    let listener = accepting.listeners.remove(key)
    owner.post(.inherited(HandedListener(identity: identity, descriptor: listener.takeDescriptor())))
  }

  /// Another loop that a listener belongs to now; nil where that is this one.
  private func owner(of identity: ListenerIdentity, loops: Int) -> Mailbox? {
    let owner = Int(identity.loop) % loops
    return owner == context.loop ? nil : context.sharedState.mailbox(of: owner)
  }
}
