import Domain
import Linux
import WorkerProtocol
import Synchronization
import Wire

/// Why the connection to the supervisor was lost. The worker ends then: it could be neither replaced nor stopped.
package enum ControlError: Error, Equatable, CustomStringConvertible {
  /// The supervisor closed its end, or exited.
  case supervisorGone
  case message(MessageError)
  case system(SystemError)

  package var description: String {
    switch self {
    case .supervisorGone: "the supervisor is gone"
    case .message(let error): "invalid message from the supervisor: \(error)"
    case .system(let error): "the control socket failed: \(error)"
    }
  }
}

/// The worker's end of the control connection: commands are received on the main thread, events are sent from any
/// thread.
///
/// Call `receiveSetup` first, `send` the outcome, then call `run`.
package final class ControlChannel: Sendable {
  /// What `run` passes to its handler on the main thread.
  package enum Event: Sendable {
    /// Accept no more, let exchanges finish, then call `finish`; what remains after this time is aborted.
    case stop(within: Interval)
    /// Switch to another configuration.
    case reload(WorkerSetup)
    /// Apply a server's administrative state; report the number with `WorkerEvent.applied`.
    case server(name: String, AdminState, number: UInt64)
    /// This node's report to the pair's other nodes, or a piece of it.
    case nodeFacts(BytePiece)
    case nodeVitals([UInt8])
    /// For another node of the pair, about a stream.
    case stream(StreamMessage, node: String)
    /// Open the file of the access log again.
    case reopenLogs
    /// Begin a trace, and end it.
    case trace(TraceOrder)
    case endTrace(number: UInt32)
    /// About one second has passed: report the load.
    case tick
  }

  private let socket: MessageSocket
  private let wakeup: Wakeup
  private let pending = Mutex(PendingEvents())
  private let finished = Atomic<Bool>(false)
  /// Created at the start, while descriptors are available, and taken by `run`.
  private let poller: Mutex<Poller?>

  /// Takes ownership of the socket that the worker inherited.
  package init(owning control: consuming Descriptor) throws(SystemError) {
    let wakeup = try Wakeup()
    let poller = try Poller()
    try poller.watchLevel(control)
    try poller.watchLevel(wakeup.descriptor)
    self.wakeup = wakeup
    self.poller = Mutex(poller)
    socket = MessageSocket(owning: control)
  }

  // MARK: Commands

  /// Receives the start's commands, up to and including `WorkerCommand.start`.
  package func receiveSetup() throws(ControlError) -> WorkerSetup {
    send(.hello(version: MessageVersion.current))
    let first = try nextCommand().command
    guard case .hello(let version) = first else { throw .message(.unexpected(first.name)) }
    guard version == MessageVersion.current else { throw .message(.version(theirs: version)) }

    var draft = WorkerSetupDraft()
    while true {
      var received = try nextCommand()
      if let setup = try draft.add(received.command, received.takeDescriptor()) { return setup }
    }
  }

  /// Processes the supervisor's commands on the main thread: calls `handle` for each event until a thread calls
  /// `finish`. Throws when the supervisor is lost. `heartbeats`: those received with the first commands.
  package func run(heartbeats: [Heartbeat], _ handle: (Event) -> Void) throws(ControlError) {
    var draft = WorkerSetupDraft(reloadWith: heartbeats)
    guard let poller = poller.withLock({ $0.take() }) else { preconditionFailure("run is called once") }
    var nextTick = Clock.monotonic() + Self.tick
    while !finished.load(ordering: .acquiring) {
      let retry = flush() ? Self.tick : Self.retry
      let wait = min(nextTick - Clock.monotonic(), retry)
      _ = poller.wait(milliseconds: Int32(clamping: wait.milliseconds + 1))
      wakeup.drain()
      while var received = try receive(waiting: false) {
        switch received.command {
        case .stop(let interval): handle(.stop(within: interval))
        case .stream(let message, let node): handle(.stream(message, node: node))
        case .server(let name, let state, let number) where !draft.hasBegun:
          handle(.server(name: name, state, number: number))
        case .nodeFacts(let piece): handle(.nodeFacts(piece))
        case .nodeVitals(let bytes): handle(.nodeVitals(bytes))
        case .reopenLogs: handle(.reopenLogs)
        case .trace(let order): handle(.trace(order))
        case .endTrace(let number): handle(.endTrace(number: number))
        default:
          guard let setup = try draft.add(received.command, received.takeDescriptor()) else { continue }
          draft = WorkerSetupDraft(reloadWith: heartbeats)
          handle(.reload(setup))
        }
      }
      if Clock.monotonic() >= nextTick {
        nextTick = Clock.monotonic() + Self.tick
        handle(.tick)
      }
    }
    _ = flush()
  }

  /// Makes `run` return. May be called from any thread.
  package func finish() {
    finished.store(true, ordering: .releasing)
    wakeup.signal()
  }

  // MARK: Events

  /// Sends an event to the supervisor, now or when the socket has room. May be called from any thread; never blocks. An
  /// unsent event is replaced by a newer one with the same topic.
  package func send(_ event: WorkerEvent) {
    let left = pending.withLock { waiting in
      if waiting.isEmpty, deliver(event) { return true }
      waiting.append(event)
      return false
    }
    if !left { wakeup.signal() }
  }

  /// Sends an event that may be lost: false if so many are unsent that it is not added.
  func offer(_ event: WorkerEvent) -> Bool {
    guard pending.withLock({ $0.capacity < Self.offersLimit }) else { return false }
    send(event)
    return true
  }

  private static let offersLimit = 1024

  /// Whether there are unsent events.
  var isBehind: Bool { pending.withLock { !$0.isEmpty } }

  /// Sends pending events while the socket has room; true when none is left.
  private func flush() -> Bool {
    pending.withLock { waiting in
      while let event = waiting.first, deliver(event) { waiting.removeFirst() }
      return waiting.isEmpty
    }
  }

  /// False when the socket has no room. If the connection is broken, events are discarded: `run` detects its end.
  private func deliver(_ event: WorkerEvent) -> Bool {
    do { return try socket.send(event.encoded().span) } catch { return true }
  }

  // MARK: Reading

  private static let tick = Interval.seconds(1)
  /// The time between attempts to send pending events.
  private static let retry = Interval.milliseconds(50)

  private struct Received: ~Copyable {
    let command: WorkerCommand
    private var descriptor: Descriptor?

    init(_ message: consuming MessageSocket.Message) throws(MessageError) {
      let command = try WorkerCommand(decoding: message.bytes.span)
      let descriptor = message.takeDescriptor()
      let isThere = descriptor != nil
      guard command.carriesDescriptor == isThere else { throw .descriptor(missing: !isThere) }
      self.command = command
      self.descriptor = descriptor
    }

    mutating func takeDescriptor() -> Descriptor? { descriptor.take() }
  }

  /// Waits for the next command.
  private func nextCommand() throws(ControlError) -> Received {
    guard let received = try receive(waiting: true) else { throw .supervisorGone }
    return received
  }

  private func receive(waiting: Bool) throws(ControlError) -> Received? {
    let receipt = try Self.system { () throws(SystemError) in
      try self.socket.receive(limit: MessageLimit.message, waiting: waiting)
    }
    switch consume receipt {
    case .nothing: return nil
    case .ended: throw .supervisorGone
    case .message(let message):
      do { return try Received(message) } catch { throw .message(error) }
    }
  }

  private static func system<Result: ~Copyable>(
    _ call: () throws(SystemError) -> Result
  ) throws(ControlError) -> Result {
    do { return try call() } catch { throw .system(error) }
  }
}
