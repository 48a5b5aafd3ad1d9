import Linux
import Synchronization
import TLS
import Wire

/// The thread that accepts a server's connections, from `run` until the crowd's `stop`; it then waits for all of them
/// to end, and closes the port.
struct Acceptor: ~Copyable {
  /// How long accepting is paused when the system is out of descriptors or threads.
  private static let pauseMilliseconds: Int32 = 100

  private let listener: Descriptor
  private let crowd: Crowd
  private let state: ExampleServerState
  private let context: ServerContext
  private var guests: [Visitor] = []

  init(listener: consuming Descriptor, crowd: Crowd, state: ExampleServerState, context: ServerContext) {
    self.listener = listener
    self.crowd = crowd
    self.state = state
    self.context = context
  }

  consuming func run() {
    do {
      var poller = try Poller()
      try poller.watchLevel(crowd.stop.descriptor, token: Token(.stop).rawValue)
      try poller.watchLevel(crowd.departure.descriptor, token: Token(.departure).rawValue)
      try acceptUntilStopped(&poller)
    } catch {
      // Waiting is impossible: the server does not accept connections until it is killed.
    }
    for guest in guests { guest.join() }
  }

  private typealias Token = PollerToken<EventSource>

  private enum EventSource: UInt64 {
    case stop, departure, listener
  }

  private mutating func acceptUntilStopped(_ poller: inout Poller) throws(SystemError) {
    while true {
      let isFull = guests.count >= ExampleServer.connectionLimit
      var isRefused = false
      if !isFull {
        do throws(SystemError) { try acceptWaiting() } catch { isRefused = true }
      }
      // The poller is level-triggered, so the listener is watched only while there is room.
      let listens = !isFull && !isRefused && guests.count < ExampleServer.connectionLimit
      if listens { try poller.watchLevel(listener, token: Token(.listener).rawValue) }
      let count = poller.wait(milliseconds: isRefused ? Self.pauseMilliseconds : -1)
      if listens { poller.forget(listener) }
      for index in 0..<count {
        switch Token(rawValue: poller.event(at: index).token).kind {
        case .stop: return
        case .departure: crowd.departure.drain()
        case .listener, nil: break
        }
      }
      guests.removeAll { guest in
        guard guest.hasLeft else { return false }
        guest.join()
        return true
      }
    }
  }

  /// Accepts connections until none is waiting or the limit is reached.
  private mutating func acceptWaiting() throws(SystemError) {
    while guests.count < ExampleServer.connectionLimit, let accepted = try Socket.accept(from: listener) {
      let number = accepted.takeDescriptor().relinquish()
      do throws(SystemError) {
        guests.append(
          try Visitor(of: crowd, name: state.site.name) { [crowd, state, context] in
            serveConnection(Descriptor(owning: number), crowd: crowd, state: state, context: context)
          })
      } catch {
        _ = Descriptor(owning: number)
        throw error
      }
    }
  }
}

/// One connection's thread, which only the acceptor joins.
private final class Visitor {
  private var thread: Thread?
  private let departure: Departure

  /// Runs `body` on a new thread, counted in `crowd`.
  init(of crowd: Crowd, name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let departure = Departure()
    self.departure = departure
    crowd.enter()
    do throws(SystemError) {
      thread = try Thread(name: name) {
        body()
        // In this order: when the acceptor is woken, `happened` must be set already.
        departure.happened.store(true, ordering: .releasing)
        crowd.leave()
      }
    } catch {
      crowd.leave()
      throw error
    }
  }

  var hasLeft: Bool { departure.happened.load(ordering: .acquiring) }

  func join() { thread.take()?.join() }
}

private final class Departure: Sendable {
  let happened = Atomic<Bool>(false)
}

/// Serves one connection from its handshake to its end. After an error it is reset, so that the client detects it.
private func serveConnection(
  _ socket: consuming Descriptor, crowd: Crowd, state: ExampleServerState, context: ServerContext
) {
  // RFC 9112 §9.5: a client that opens a connection without using it does not keep it.
  let handshake = Interval.seconds(10)
  Socket.abortOnClose(socket.number)
  do throws(DemoError) {
    let stream = try TLSStream.accept(socket, context: context, stop: crowd.stop, timeout: handshake)
    var connection = ExampleConnection(stream: stream, state: state)
    try connection.serve()
  } catch {
    // Closes the socket, discarding unsent data.
  }
}
