import Linux
import WorkerProtocol
import Systemd
import Wire

/// Listening sockets that systemd passed at the start: those it kept across a restart, with their queued connections,
/// or those of a socket unit.
struct PassedListeners {
  struct Passed {
    /// systemd's name. All sockets of a socket unit share one name, so it does not identify the purpose.
    let name: String
    let facts: ListeningSocket
    let socket: SharedDescriptor
  }

  private var all: [Passed] = []

  /// Takes the passed descriptors; those that are not listening sockets are closed.
  static func take() -> PassedListeners {
    var passed = PassedListeners()
    for given in DescriptorStore.takePassed() {
      let socket = SharedDescriptor(Descriptor(owning: given.number))
      guard let facts = ListeningSocket(socket.descriptor) else { continue }
      passed.all.append(Passed(name: given.name, facts: facts, socket: socket))
    }
    return passed
  }

  /// Removes and returns every socket that listens at `request`. If one were left over, its queued connections would be
  /// reset.
  mutating func take(at request: ServicePlan.ListenerRequest) -> [Passed] {
    let found = all.filter { Self.isAt(request, $0.facts) }
    all.removeAll { Self.isAt(request, $0.facts) }
    return found
  }

  /// The remaining sockets, which the configuration does not use.
  var unclaimed: [(name: String, endpoint: Endpoint)] { all.map { ($0.name, $0.facts.endpoint) } }

  private static func isAt(_ request: ServicePlan.ListenerRequest, _ facts: ListeningSocket) -> Bool {
    guard !request.isForDatagrams else { return false }
    return facts.endpoint == request.endpoint && facts.dualStack == request.dualStack
      || request.dualStack && facts.endpoint == Endpoint(address: IPAddress(v4: 0), port: request.endpoint.port)
  }
}

extension ListenerSet.Listener {
  /// Stores the socket in systemd's descriptor store, which keeps it across a restart. One for datagrams has no
  /// connections to keep.
  func keep() {
    if !request.isForDatagrams { DescriptorStore.keep(socket, name: identity.endpoint.keptName) }
  }

  /// Stops listening on all duplicates of the socket. One for datagrams has no queue of connections, and would stay
  /// readable after a shutdown.
  func stop() {
    if !request.isForDatagrams { Socket.stopListening(socket.descriptor) }
  }

  /// Removes the socket from systemd's descriptor store.
  func forget() {
    if !request.isForDatagrams { ServiceNotification.forget(name: identity.endpoint.keptName).send() }
  }
}

extension Endpoint {
  /// The name in systemd's descriptor store. A colon would end the name.
  var keptName: String { "listener-" + String("\(address)-\(port)".map { $0 == ":" ? "." : $0 }) }
}
