import Domain
import Linux
import WorkerProtocol
import Synchronization
import Wire

/// Why the worker has lost its supervisor. It ends then: nobody would replace it or stop it any more.
package enum ControlError: Error, Equatable, CustomStringConvertible {
  /// The supervisor closed its end, or died.
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

/// The worker's end of the link to its supervisor: commands come in on the main thread, events go out from any.
///
/// Start with `receiveSetup`, then `send` the outcome, then stay in `run`.
package final class ControlChannel: Sendable {
  /// What the main thread is told in `run`.
  package enum Event: Sendable {
    /// Accept no more, let exchanges finish, then call `finish`; what is left after this time is cut.
    case stop(within: Interval)
    /// Serve another configuration.
    case reload(WorkerSetup)
    /// An operator wants this of a server; answer the number with `WorkerEvent.applied`.
    case server(name: String, AdminState, number: UInt64)
    /// About a second has passed: the time to tell the load.
    case tick
  }

  private let socket: MessageSocket
  private let wakeup: Wakeup
  private let pending = Mutex(PendingEvents())
  private let finished = Atomic<Bool>(false)
  /// Made at the start, when there are descriptors to be had, and taken by `run`.
  private let poller: Mutex<Poller?>

  /// Takes over the socket that the worker was born with.
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

  /// Waits for everything that the worker starts with, up to and with `WorkerCommand.start`.
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

  /// Hands the main thread to the supervisor: calls `handle` for what comes, until some thread calls `finish`. Throws
  /// when the supervisor is lost. `heartbeats` are those that came with the first commands.
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
        case .server(let name, let state, let number): handle(.server(name: name, state, number: number))
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

  /// Lets `run` return. From any thread.
  package func finish() {
    finished.store(true, ordering: .releasing)
    wakeup.signal()
  }

  // MARK: Events

  /// Tells the supervisor, now or as soon as it has room. From any thread; never waits. Newer news of the same thing
  /// take the place of older ones that have not left yet.
  package func send(_ event: WorkerEvent) {
    let left = pending.withLock { waiting in
      if waiting.isEmpty, deliver(event) { return true }
      waiting.append(event)
      return false
    }
    if !left { wakeup.signal() }
  }

  /// Whether events wait for the supervisor to read.
  var isBehind: Bool { pending.withLock { !$0.isEmpty } }

  /// Sends what waits, as far as there is room; true when nothing is left.
  private func flush() -> Bool {
    pending.withLock { waiting in
      while let event = waiting.first, deliver(event) { waiting.removeFirst() }
      return waiting.isEmpty
    }
  }

  /// False when the supervisor has to read first. A link that is broken takes everything: `run` notices its end.
  private func deliver(_ event: WorkerEvent) -> Bool {
    do { return try socket.send(event.encoded().span) } catch { return true }
  }

  // MARK: Reading

  private static let tick = Interval.seconds(1)
  /// How soon events that found no room are tried again.
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
