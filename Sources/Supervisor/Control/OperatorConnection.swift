import Control
import Linux
import Wire

/// A connection to the control socket: one request line, one answer line, then close. Never blocks.
///
///     reading → (deciding) → writing → over
struct OperatorConnection: ~Copyable {
  /// The time limit for the request, and then for the answer.
  static let timeout = Interval.seconds(5)

  enum State: Equatable {
    /// A partial request; the rest is due before the deadline.
    case reading([UInt8], deadline: Instant)
    /// The answer is not known yet, for example during a reload. Each request is answered within its own time limit.
    case deciding
    /// The answer, with the number of bytes sent; all of it must be sent before the deadline.
    case writing([UInt8], sent: Int, deadline: Instant)
    /// To be closed.
    case over
  }

  let descriptor: Descriptor
  /// In the log: `pid 4711, uid 1000`.
  let name: String
  let isRoot: Bool
  /// When set, the answer to every request.
  private let refusal: String?
  private(set) var state: State

  init(_ descriptor: consuming Descriptor, name: String, isRoot: Bool, refusal: String?, at now: Instant) {
    self.descriptor = descriptor
    self.name = name
    self.isRoot = isRoot
    self.refusal = refusal
    state = .reading([], deadline: now + OperatorConnection.timeout)
  }

  /// Moves the socket to another owner.
  consuming func takeDescriptor() -> Descriptor { descriptor }

  /// When the connection is closed if there is no progress.
  var deadline: Instant? {
    switch state {
    case .reading(_, let deadline), .writing(_, _, let deadline): deadline
    case .deciding, .over: nil
    }
  }

  /// Reads available bytes and returns the request once its line is complete. Bytes after that line are not read.
  mutating func read(at now: Instant) -> ControlRequest? {
    while case .reading(let begun, let deadline) = state {
      switch LocalSocket.receive(from: descriptor, limit: ControlRequest.byteLimit) {
      case .nothing: return nil
      case .ended:
        guard begun.isEmpty else { return take(begun, begun.count, at: now) }
        state = .over
      case .bytes(let bytes):
        let received = begun + bytes
        if let end = received.firstIndex(of: UInt8(ascii: "\n")), end < ControlRequest.byteLimit {
          return take(received, end, at: now)
        }
        if received.count < ControlRequest.byteLimit {
          state = .reading(received, deadline: deadline)
        } else {
          answer(.refused(["the request is longer than \(ControlRequest.byteLimit) bytes"]), at: now)
        }
      }
    }
    return nil
  }

  /// Parses the request in the first `count` bytes; nil after an answer that it is invalid.
  private mutating func take(_ received: [UInt8], _ count: Int, at now: Instant) -> ControlRequest? {
    if let refusal {
      answer(.refused([refusal]), at: now)
      return nil
    }
    do throws(ControlFault) {
      let request = try ControlRequest(parsing: Array(received[..<count]))
      state = .deciding
      return request
    } catch {
      answer(.refused(["not a request: \(error)"]), at: now)
      return nil
    }
  }

  /// Sends as much of the answer as the socket accepts.
  mutating func answer(_ answer: ControlAnswer, at now: Instant) {
    let line = Array(answer.line.utf8) + [UInt8(ascii: "\n")]
    state = .writing(line, sent: 0, deadline: now + OperatorConnection.timeout)
    write()
  }

  /// Continues sending.
  mutating func write() {
    while case .writing(let line, let sent, let deadline) = state {
      guard sent < line.count else {
        state = .over
        return
      }
      switch Socket.write(descriptor.number, line.span.extracting(sent...)) {
      case .bytes(let count): state = .writing(line, sent: sent + count, deadline: deadline)
      case .wouldBlock: return
      case .failed: state = .over
      }
    }
  }

  /// Whether its deadline has passed.
  func isOverdue(at now: Instant) -> Bool { deadline.map { now >= $0 } ?? false }
}
