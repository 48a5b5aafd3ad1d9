import Glibc
import Linux
import WorkerProtocol
import Wire

/// Every listening socket of the service: one for each event loop at each place. They live here, in the supervisor, so
/// that connections wait in their queues while there is no worker.
struct ListenerSet: ~Copyable {
  /// A listener, and where it is.
  struct Listener {
    /// What the configuration asked for; `place` differs where the kernel has no IPv6.
    let request: ServicePlan.Place
    let place: ListenerPlace
    let socket: SharedDescriptor
  }

  /// What a new configuration changes.
  struct Change {
    var kept: [Listener] = []
    var added: [Listener] = []
    var removed: [Listener] = []
  }

  let listeners: [Listener]

  /// Takes over what was passed for these places and binds the rest, or says what can't be bound and what to do.
  /// Everything passed for a place is taken, also when there were more loops before.
  init(_ places: [ServicePlan.Place], loops: Int, passed: inout PassedListeners) throws(ListenerError) {
    let given = places.map { passed.take(at: $0) }
    try Self.requireFree(zip(places, given).filter { $1.isEmpty }.map { $0.0 })
    var listeners: [Listener] = []
    for (place, given) in zip(places, given) {
      // A port that is not shared has one socket, and every loop accepts from it.
      let isShared = given.allSatisfy(\.facts.sharesPort)
      let taken = isShared ? given : (0..<max(loops, given.count)).map { given[$0 % given.count] }
      for (loop, passed) in taken.enumerated() {
        listeners.append(Self.listener(place, at: passed.facts.endpoint, loop: loop, passed.socket))
      }
      guard taken.count < loops else { continue }
      let bound = try Self.bind(place, loops: taken.count..<loops)
      for listener in bound { listener.keep() }
      listeners += bound
    }
    self.listeners = listeners
  }

  /// What is left and what is new, once the change has been taken over.
  init(_ change: Change) { listeners = change.kept + change.added }

  /// Binds what `places` has more, and says what it has less. Nothing changes for what is kept; a socket stays when
  /// loops become fewer, so that nobody who waits in its queue is refused.
  borrowing func change(to places: [ServicePlan.Place], loops: Int) throws(ListenerError) -> Change {
    var change = Change()
    let ports = Set(listeners.map(\.place.endpoint.port))
    // A port of our own is in use, and is free for us all the same.
    try Self.requireFree(places.filter { !ports.contains($0.endpoint.port) })
    for place in places {
      let kept = listeners.filter { $0.request == place }
      change.kept += kept
      if kept.count < loops { change.added += try Self.bind(place, loops: kept.count..<loops) }
    }
    change.removed = listeners.filter { !places.contains($0.request) }
    return change
  }

  /// Makes them what they were, for a worker that was in somebody else's hands had duplicates.
  borrowing func restore() throws(SystemError) {
    for listener in listeners {
      // systemd has dropped its duplicate of one that had stopped.
      if try ListeningSocket.restore(listener.socket.descriptor) { listener.keep() }
    }
  }

  /// All are looked at before any is bound: ours must not be taken for another's.
  private static func requireFree(_ places: [ServicePlan.Place]) throws(ListenerError) {
    for place in places {
      try attempt(place) { (place) throws(SystemError) in
        try Socket.requireFree(place.endpoint, dualStack: place.dualStack)
      }
    }
  }

  private static func bind(_ request: ServicePlan.Place, loops: Range<Int>) throws(ListenerError) -> [Listener] {
    var listeners: [Listener] = []
    for loop in loops {
      let (endpoint, socket) = try attempt(request) { (place) throws(SystemError) in
        (place.endpoint, SharedDescriptor(try Socket.listen(on: place.endpoint, dualStack: place.dualStack)))
      }
      listeners.append(listener(request, at: endpoint, loop: loop, socket))
    }
    return listeners
  }

  private static func listener(
    _ request: ServicePlan.Place, at endpoint: Endpoint, loop: Int, _ socket: SharedDescriptor
  ) -> Listener {
    let place = ListenerPlace(purpose: request.purpose, endpoint: endpoint, loop: UInt16(truncatingIfNeeded: loop))
    return Listener(request: request, place: place, socket: socket)
  }

  /// Calls `body`; where the kernel has no IPv6, with IPv4's wildcard in place of the one for both.
  private static func attempt<Result>(
    _ place: ServicePlan.Place, _ body: (ServicePlan.Place) throws(SystemError) -> Result
  ) throws(ListenerError) -> Result {
    do {
      do {
        return try body(place)
      } catch  where error.code == EAFNOSUPPORT && place.dualStack {
        var fallback = place
        fallback.endpoint.address = IPAddress(v4: 0)
        fallback.dualStack = false
        return try body(fallback)
      }
    } catch {
      throw ListenerError(place: place, cause: error)
    }
  }
}

/// A listener that can't be bound.
struct ListenerError: Error, CustomStringConvertible {
  let place: ServicePlan.Place
  let cause: SystemError

  var description: String {
    let purpose = place.purpose == .redirect ? "the redirect's listener" : "the service's listener"
    return "\(purpose) on \(place.endpoint) can't be bound: \(SystemError.words(for: cause.code))"
      + (advice.map { ". " + $0 } ?? "")
  }

  private var advice: String? {
    switch cause.code {
    case EADDRINUSE:
      "Another process listens there: stop it, or choose another address or port. `ss -ltnp sport = "
        + ":\(place.endpoint.port)` shows which"
    case EACCES:
      "Ports below 1024 need the capability CAP_NET_BIND_SERVICE: start belvedere as a service, or as root, or choose "
        + "a higher port"
    default: nil
    }
  }
}
