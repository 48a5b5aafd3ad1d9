import Control
import Glibc
import Linux
import Logging
import Wire

/// The control socket. A connection is checked (SO_PEERCRED), may send one line and gets one line back. The number of
/// connections, their size and their duration are limited, so that a client can't block the supervisor.
struct OperatorSocket: ~Copyable {
  /// The most connections at once; more wait in the kernel. An operator has one, a monitoring system a few. A reload
  /// request whose client has disconnected keeps its connection until the reload is over.
  static let connectionLimit = 64
  private static let rest = Interval.seconds(1)

  /// A connection that waits for its answer.
  struct Requester: Hashable {
    let key: SlabKey
  }

  let path: String
  /// Those that are streams to other nodes, and streams of other nodes.
  var streams: NodeStreams
  /// Those that follow clients.
  var traces = TraceSessions()
  /// Those that wait for a condition, or for the end of this turn.
  var waiting = WaitingRequests()
  /// Encodes the status for them.
  let encoder: StatusEncoder
  private let listener: Descriptor
  private let log: Logger
  private var connections = Slab<OperatorConnection>(capacity: OperatorSocket.connectionLimit)
  /// Whether the poller reports new connections.
  private var isListening = false
  /// Accepting has failed (out of descriptors, for example) and is paused until then.
  private var pausedUntil = Instant(nanoseconds: 0)
  private var admission = OperatorAdmission()
  /// Whether a worker has connected since the last `takeWorkerIntrusion`.
  private var workerHasConnected = false

  /// Starts listening. The error states what to do. `receiver`: the socket where other nodes' streams end.
  init(
    at path: String, receiver: String = ServicePlan.receiverPath, log: Logger
  ) throws(OperatorSocketError) {
    self.path = path
    streams = NodeStreams(receiver: receiver)
    self.log = log
    let encoder: StatusEncoder
    do throws(SystemError) {
      encoder = try StatusEncoder()
      if !LocalSocket.isAbstract(path) { try File.makeDirectory(File.directory(of: path)) }
      listener = try LocalSocket.listen(at: path)
    } catch {
      throw OperatorSocketError(path: path, cause: error)
    }
    self.encoder = encoder
  }

  deinit { LocalSocket.remove(path) }

  /// Accepts connections up to the limit, and stops watching for new ones while the limit is reached.
  mutating func listen(_ poller: borrowing Poller, at now: Instant) {
    let hasRoom = connections.count < OperatorSocket.connectionLimit && now >= pausedUntil
    guard hasRoom != isListening else { return }
    if hasRoom {
      do throws(SystemError) {
        try poller.watchLevel(listener, token: SupervisorToken(.operatorListener).rawValue)
      } catch {
        return log.error("control: \(error)")
      }
    } else {
      poller.forget(listener)
    }
    isListening = hasRoom
  }

  /// Handles an event of this socket. Returns a complete request, and the connection that waits for its answer.
  mutating func handle(
    _ event: SupervisorToken, _ poller: borrowing Poller, at now: Instant
  ) -> (ControlRequest, Requester)? {
    if event.kind == .operatorListener { accept(poller, at: now) }
    let key = event.key
    // An event of the same batch may have closed it.
    guard event.kind == .operatorConnection, connections.contains(key) else { return nil }
    let request = connections[key].read(at: now)
    connections[key].write(at: now)
    if connections[key].isOver || waiting.contains(Requester(key: key)) && connections[key].isAbandoned { close(key) }
    return request.map { ($0, Requester(key: key)) }
  }

  /// Has a request wait for a condition, for at most so many seconds, unless its client has left.
  mutating func wait(
    _ requester: Requester, for condition: ControlRequest.Condition, seconds: UInt64, at now: Instant
  ) {
    guard connections.contains(requester.key) else { return }
    // There is no event of what happened before.
    if connections[requester.key].isAbandoned { return close(requester.key) }
    waiting.add(requester, for: condition, seconds: seconds, at: now)
  }

  /// Sends the answers with a status that have been encoded.
  mutating func sendEncoded(at now: Instant) {
    for (answer, requesters) in encoder.takeAnswers() {
      for requester in requesters { self.answer(requester, answer, at: now) }
    }
  }

  /// Sends an answer, with its line end, unless the connection is closed.
  mutating func answer(_ requester: Requester, _ answer: [UInt8], at now: Instant) {
    guard connections.contains(requester.key) else { return }
    connections[requester.key].answer(answer, at: now)
    if connections[requester.key].isOver { close(requester.key) }
  }

  /// Whether the client is root.
  func isRoot(_ requester: Requester) -> Bool {
    connections.contains(requester.key) && connections[requester.key].isRoot
  }

  /// The connection itself, which is no longer this socket's; nil when it is closed.
  mutating func takeConnection(of requester: Requester, _ poller: borrowing Poller) -> Descriptor? {
    guard connections.contains(requester.key) else { return nil }
    poller.forget(connections[requester.key].descriptor)
    return connections.remove(requester.key).takeDescriptor()
  }

  /// The client's name for the log.
  func name(of requester: Requester) -> String {
    connections.contains(requester.key) ? connections[requester.key].name : "a disconnected operator"
  }

  /// Closes connections whose deadline has passed.
  mutating func handleTimeout(at now: Instant) {
    for key in connections.keys {
      connections[key].handleTimeout(at: now)
      if connections[key].isOver { close(key) }
    }
  }

  /// When `handleTimeout` is due next.
  var deadline: Instant? {
    var next: Instant?
    for key in connections.keys {
      if let deadline = connections[key].deadline { next = min(next ?? .distantFuture, deadline) }
    }
    return next
  }

  /// Refuses commands from this worker process: a compromised worker must not give any.
  mutating func forbid(worker process: Int32) { admission.forbid(worker: process) }

  /// The process ID of the current worker, or of the last one.
  var latestWorker: Int32? { admission.latestWorker }

  /// Whether a worker has connected since the last call.
  mutating func takeWorkerIntrusion() -> Bool {
    defer { workerHasConnected = false }
    return workerHasConnected
  }

  private mutating func accept(_ poller: borrowing Poller, at now: Instant) {
    while connections.count < OperatorSocket.connectionLimit {
      do throws(SystemError) {
        guard let socket = try LocalSocket.accept(from: listener) else { return }
        let peer = try LocalSocket.peer(of: socket)
        let name = "pid \(peer.process), uid \(peer.user)"
        var refusal: String?
        switch admission.decision(on: peer, isAuthorized: LocalSocket.isAuthorized(socket, peer, at: path)) {
        case .admitted: break
        case .unauthorized:
          log.warning("control: refused \(name): neither root, nor this service's user, nor in the socket's group")
          refusal = "permission denied: be root, or in the group of \(path)"
        case .worker(let isLatest):
          log.critical("control: refused pid \(peer.process), a worker, which may be compromised")
          workerHasConnected = workerHasConnected || isLatest
          continue
        }
        let key = connections.insert(
          OperatorConnection(socket, name: name, isRoot: peer.user == 0, refusal: refusal, at: now))
        do throws(SystemError) {
          try poller.watch(connections[key].descriptor, token: SupervisorToken(.operatorConnection, key).rawValue)
        } catch {
          close(key)
          throw error
        }
      } catch {
        pausedUntil = now + OperatorSocket.rest
        return log.warning("control: \(error)")
      }
    }
  }

  private mutating func close(_ key: SlabKey) {
    waiting.remove(Requester(key: key))
    _ = connections.remove(key)
  }
}

/// Why the control socket could not be opened.
struct OperatorSocketError: Error, CustomStringConvertible {
  let path: String
  let cause: SystemError

  var description: String {
    "the control socket \(path) can't be made: \(cause.call): \(SystemError.words(for: cause.code)). \(advice)"
  }

  private var advice: String {
    switch cause.code {
    case EADDRINUSE: "Another belvedere runs and listens there: stop it, or give this one another place with --control"
    case EEXIST, ENOTSOCK: "Something that is no socket is there: remove it, or give another place with --control"
    case ENAMETOOLONG: "A socket's path has 107 bytes at most: give a shorter one with --control"
    case ENOENT, ENOTDIR: "Make the directory above, or give another place with --control"
    case EACCES, EPERM, EROFS:
      "Start belvedere as a service (RuntimeDirectory=belvedere) or as root, or give another place with --control"
    default: "Give another place with --control"
    }
  }
}
