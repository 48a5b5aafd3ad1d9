import Glibc
import Linux
import WorkerProtocol
import Wire

/// All listening sockets of the service: one for each event loop and request. The supervisor holds them, so that
/// connections queue while there is no worker.
struct ListenerSet: ~Copyable {
  /// A listening socket and its address.
  struct Listener {
    /// As configured; `identity` differs when the kernel has no IPv6.
    let request: ServicePlan.ListenerRequest
    let identity: ListenerIdentity
    var socket: SharedDescriptor
  }

  /// What a new configuration changes.
  struct Change {
    var kept: [Listener] = []
    var added: [Listener] = []
    var removed: [Listener] = []
  }

  private(set) var listeners: [Listener]

  /// Takes the passed sockets for these requests and binds the rest; the error states what can't be bound and what to do.
  /// All passed sockets for a request are taken, also when there were more loops before.
  init(_ requests: [ServicePlan.ListenerRequest], loops: Int, passed: inout PassedListeners) throws(ListenerError) {
    let given = requests.map { passed.take(at: $0) }
    try Self.requireFree(zip(requests, given).filter { $1.isEmpty }.map { $0.0 })
    var listeners: [Listener] = []
    for (request, given) in zip(requests, given) {
      let loops = request.socketCount(loops: loops)
      // A port without SO_REUSEPORT has one socket, and every loop accepts from it.
      let isShared = given.allSatisfy(\.facts.sharesPort)
      let taken = isShared ? given : (0..<max(loops, given.count)).map { given[$0 % given.count] }
      for (loop, passed) in taken.enumerated() {
        listeners.append(Self.listener(request, at: passed.facts.endpoint, loop: loop, passed.socket))
      }
      guard taken.count < loops else { continue }
      let bound = try Self.bind(request, loops: taken.count..<loops)
      for listener in bound { listener.keep() }
      listeners += bound
    }
    self.listeners = listeners
  }

  /// The listeners after a completed change.
  init(_ change: Change) { listeners = change.kept + change.added }

  /// Binds what is new among these, and lists what was removed. Kept listeners do not change; a socket stays when the
  /// number of loops decreases, so that its queued connections are not reset.
  borrowing func change(to requests: [ServicePlan.ListenerRequest], loops: Int) throws(ListenerError) -> Change {
    var change = Change()
    let ports = Set(listeners.map(\.request.port))
    // A port that we hold is in use, yet available to us.
    try Self.requireFree(requests.filter { !ports.contains($0.port) })
    for request in requests {
      let kept = listeners.filter { $0.request == request }
      let loops = request.socketCount(loops: loops)
      change.kept += kept
      if kept.count < loops { change.added += try Self.bind(request, loops: kept.count..<loops) }
    }
    change.removed = listeners.filter { !requests.contains($0.request) }
    return change
  }

  /// Restores the sockets' state after a compromised worker, which had duplicates. One for datagrams is replaced: a
  /// worker can close its direction for good, and no connection waits there.
  mutating func restore() throws(SystemError) {
    for (index, listener) in listeners.enumerated() {
      if listener.request.isForDatagrams {
        listeners[index].socket = try Self.bind(listener.identity.endpoint, listener.request)
        continue
      }
      // systemd has dropped its duplicate of a socket that had stopped listening.
      if try ListeningSocket.restore(listener.socket.descriptor) { listener.keep() }
    }
  }

  /// All are checked before any is bound, so that our own sockets do not count as used by another process.
  private static func requireFree(_ requests: [ServicePlan.ListenerRequest]) throws(ListenerError) {
    for request in requests {
      try attempt(request) { (request) throws(SystemError) in
        if request.isForDatagrams {
          try DatagramSocket.requireFree(request.endpoint, dualStack: request.dualStack)
        } else {
          try Socket.requireFree(request.endpoint, dualStack: request.dualStack)
        }
      }
    }
  }

  private static func bind(_ request: ServicePlan.ListenerRequest, loops: Range<Int>) throws(ListenerError)
    -> [Listener]
  {
    var listeners: [Listener] = []
    for loop in loops {
      let (endpoint, socket) = try attempt(request) { (request) throws(SystemError) in
        (request.endpoint, try bind(request.endpoint, request))
      }
      listeners.append(listener(request, at: endpoint, loop: loop, socket))
    }
    return listeners
  }

  private static func bind(_ endpoint: Endpoint, _ request: ServicePlan.ListenerRequest) throws(SystemError)
    -> SharedDescriptor
  {
    // Where the kernel has no IPv6, the wildcard became IPv4's.
    let dualStack = request.dualStack && endpoint.address.family == .v6
    return SharedDescriptor(
      request.isForDatagrams
        ? try DatagramSocket.listen(on: endpoint, dualStack: dualStack)
        : try Socket.listen(on: endpoint, dualStack: dualStack))
  }

  private static func listener(
    _ request: ServicePlan.ListenerRequest, at endpoint: Endpoint, loop: Int, _ socket: SharedDescriptor
  ) -> Listener {
    let identity = ListenerIdentity(
      purpose: request.purpose, endpoint: endpoint, loop: UInt16(truncatingIfNeeded: loop))
    return Listener(request: request, identity: identity, socket: socket)
  }

  /// Calls `body`; when the kernel has no IPv6, with the IPv4 wildcard instead of the dual-stack one.
  private static func attempt<Result>(
    _ request: ServicePlan.ListenerRequest, _ body: (ServicePlan.ListenerRequest) throws(SystemError) -> Result
  ) throws(ListenerError) -> Result {
    do {
      do {
        return try body(request)
      } catch  where error.code == EAFNOSUPPORT && request.dualStack {
        var fallback = request
        fallback.endpoint.address = IPAddress(v4: 0)
        fallback.dualStack = false
        return try body(fallback)
      }
    } catch {
      throw ListenerError(request: request, cause: error)
    }
  }
}

/// A listener that can't be bound.
struct ListenerError: Error, CustomStringConvertible {
  let request: ServicePlan.ListenerRequest
  let cause: SystemError

  var description: String {
    let purpose =
      switch request.purpose {
      case .service: "the service's listener"
      case .redirect: "the redirect's listener"
      case .relay: "the relay's listener"
      case .datagrams: "the listener for UDP"
      case .pair: "the pair's listener"
      }
    return "\(purpose) on \(request.endpoint) can't be bound: \(SystemError.words(for: cause.code))"
      + (advice.map { ". " + $0 } ?? "")
  }

  private var advice: String? {
    switch cause.code {
    case EADDRINUSE:
      "Another process listens there: stop it, or choose another address or port. `ss -\(request.isForDatagrams ? "u" : "t")lnp "
        + "sport = :\(request.endpoint.port)` shows which"
    case EACCES:
      "Ports below 1024 need the capability CAP_NET_BIND_SERVICE: start belvedere as a service, or as root, or choose "
        + "a higher port"
    default: nil
    }
  }
}
