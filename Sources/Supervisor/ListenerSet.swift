import Glibc
import Linux
import Roles
import Wire

/// A descriptor that is kept to be handed to one worker after another.
final class Attachment {
  let descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// Every listening socket of the service: one for each event loop at each place. They live here, in the supervisor, so
/// that connections wait in their queues while there is no worker.
struct ListenerSet: ~Copyable {
  /// A listener, and where it is.
  struct Listener {
    let place: ListenerPlace
    let socket: Attachment
  }

  let listeners: [Listener]

  /// Binds them all, or says which can't be bound and what to do.
  init(_ places: [ServicePlan.Place], loops: Int) throws(ListenerError) {
    // All are looked at before any is bound: ours must not be taken for another's.
    var places = places
    for index in places.indices {
      places[index] = try Self.attempt(places[index]) { (place) throws(SystemError) in
        try Socket.requireFree(place.endpoint, dualStack: place.dualStack)
        return place
      }
    }
    var listeners: [Listener] = []
    for place in places {
      for loop in 0..<loops {
        let socket = try Self.attempt(place) { (place) throws(SystemError) in
          Attachment(try Socket.listen(on: place.endpoint, dualStack: place.dualStack))
        }
        let listenerPlace = ListenerPlace(
          purpose: place.purpose, endpoint: place.endpoint, loop: UInt16(truncatingIfNeeded: loop))
        listeners.append(Listener(place: listenerPlace, socket: socket))
      }
    }
    self.listeners = listeners
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
