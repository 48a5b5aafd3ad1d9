import Exchange
import Linux
import Logging
import Roles
import Wire

/// Another generation: new connections and requests take it, everything that runs keeps its own until it ends.
extension Loop {
  mutating func adopt(_ adoption: Adoption) {
    defer { adoption.done() }
    guard !world.isStopping else { return }
    world.adopt(adoption.generation)
    prober?.adopt(adoption.generation, &world)
    for key in listeners.keys where adoption.withdrawn.contains(listeners[key].place) { close(key) }
    for listener in adoption.listeners where Int(listener.place.loop) % adoption.loops == world.loop { add(listener) }
    for key in listeners.keys { handOn(key, loops: adoption.loops) }
    isRetiring = world.loop >= adoption.loops
  }

  /// Adds a listener; nothing is accepted from it before the servers are known.
  mutating func add(_ handed: HandedListener) {
    let service: Client.Service =
      handed.place.purpose == .redirect ? .redirect : world.generation.isPassthrough ? .passthrough : .https
    let key = listeners.insert(
      Listener(descriptor: handed.takeDescriptor(), place: handed.place, service: service))
    guard acceptAgainAt == nil else { return }
    watch(key)
  }

  /// Takes who waits there, then closes it.
  private mutating func close(_ key: SlabKey) {
    accept(key)
    _ = listeners.remove(key)
  }

  /// Hands a listener to the loop that it belongs to now, so that nobody who waits there is refused.
  private mutating func handOn(_ key: SlabKey, loops: Int) {
    let place = listeners[key].place
    let owner = Int(place.loop) % loops
    guard owner != world.loop else { return }
    world.poller.forget(listeners[key].descriptor)
    let listener = listeners.remove(key)
    world.fleet.mailbox(of: owner).post(
      .inherited(HandedListener(place: place, descriptor: listener.takeDescriptor())))
  }
}
