import Control
import Linux
import Wire

/// A connection to the control socket, and the request on it. Never blocks.
struct OperatorConnection: ~Copyable {
  let descriptor: Descriptor
  /// In the log: `pid 4711, uid 1000`.
  let name: String
  let isRoot: Bool
  private var request: OperatorRequestStateMachine

  /// `refusal`: when set, the answer to every request.
  init(_ descriptor: consuming Descriptor, name: String, isRoot: Bool, refusal: String?, at now: Instant) {
    self.descriptor = descriptor
    self.name = name
    self.isRoot = isRoot
    request = OperatorRequestStateMachine(refusal: refusal, at: now)
  }

  /// Moves the socket to another owner.
  consuming func takeDescriptor() -> Descriptor { descriptor }

  /// When `handleTimeout` is due.
  var deadline: Instant? { request.deadline }

  /// Whether it is to be closed.
  var isOver: Bool { request.state == .over }

  /// Reads available bytes and returns the request once its line is complete. Bytes after that line are not answered.
  mutating func read(at now: Instant) -> ControlRequest? {
    while let room = request.room {
      switch LocalSocket.receive(from: descriptor, limit: room) {
      case .nothing: return nil
      case .ended: if let complete = request.handle(.ended, at: now) { return complete }
      case .bytes(let bytes): if let complete = request.handle(.received(bytes), at: now) { return complete }
      }
    }
    return nil
  }

  /// Whether its client has closed it, and not only its own direction.
  var isAbandoned: Bool { LocalSocket.isClosed(descriptor) }

  /// Sends as much of the answer as the socket accepts.
  mutating func answer(_ answer: [UInt8], at now: Instant) {
    _ = request.handle(.answered(answer), at: now)
    write(at: now)
  }

  /// Continues sending.
  mutating func write(at now: Instant) {
    while case .writing(let line, let sent, _) = request.state {
      switch Socket.write(descriptor.number, line.span.extracting(sent...)) {
      case .bytes(let count): _ = request.handle(.sent(count), at: now)
      case .wouldBlock: return
      case .failed: _ = request.handle(.failed, at: now)
      }
    }
  }

  mutating func handleTimeout(at now: Instant) { _ = request.handle(.timer, at: now) }
}
