import Linux
import WorkerProtocol
import Systemd
import Wire

/// Listening sockets that systemd passed at the start: those that it kept while the service restarted, with the
/// connections that wait in their queues, or those of a socket unit.
struct PassedListeners {
  struct Passed {
    /// What systemd calls it. All sockets of one socket unit have one name, so it can't tell what a socket is for.
    let name: String
    let facts: ListeningSocket
    let socket: SharedDescriptor
  }

  private var all: [Passed] = []

  /// Takes over what systemd passed; what is no listening socket is closed.
  static func take() -> PassedListeners {
    var passed = PassedListeners()
    for given in DescriptorStore.takePassed() {
      let socket = SharedDescriptor(Descriptor(owning: given.number))
      guard let facts = ListeningSocket(socket.descriptor) else { continue }
      passed.all.append(Passed(name: given.name, facts: facts, socket: socket))
    }
    return passed
  }

  /// Every socket that listens where `place` says, taken out of the rest. Whoever waits in the queue of one that is
  /// left would be refused.
  mutating func take(at place: ServicePlan.Place) -> [Passed] {
    let found = all.filter { Self.isAt(place, $0.facts) }
    all.removeAll { Self.isAt(place, $0.facts) }
    return found
  }

  /// The rest: nothing in the configuration asks for it.
  var unclaimed: [(name: String, endpoint: Endpoint)] { all.map { ($0.name, $0.facts.endpoint) } }

  private static func isAt(_ place: ServicePlan.Place, _ facts: ListeningSocket) -> Bool {
    facts.endpoint == place.endpoint && facts.dualStack == place.dualStack
      || place.dualStack && facts.endpoint == Endpoint(address: IPAddress(v4: 0), port: place.endpoint.port)
  }
}

extension ListenerSet.Listener {
  /// Has systemd keep the socket while the service restarts.
  func keep() { DescriptorStore.keep(socket, name: place.endpoint.keptName) }
}

extension Endpoint {
  /// What systemd is to call the sockets here. A colon would end the name.
  var keptName: String { "listener-" + String("\(address)-\(port)".map { $0 == ":" ? "." : $0 }) }
}
