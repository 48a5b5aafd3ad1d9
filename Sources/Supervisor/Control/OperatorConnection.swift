import Control
import Linux
import Wire

/// One operator's connection: a line in, a line out, then its end. Never waits.
///
///     reading → (deciding) → writing → over
struct OperatorConnection: ~Copyable {
  /// How long an operator may take to send a request, and then to take the answer.
  static let timeout = Interval.seconds(5)

  enum State: Equatable {
    /// The beginning of a request is here; its end is to come by then.
    case reading([UInt8], deadline: Instant)
    /// The answer is not known yet, because a reload is under way, say; whoever decides has a bound.
    case deciding
    /// So much of the answer has been sent; all of it is to be by then.
    case writing([UInt8], sent: Int, deadline: Instant)
    /// Nothing is left to do but to close it.
    case over
  }

  let descriptor: Descriptor
  /// In the log: `pid 4711, uid 1000`.
  let name: String
  /// Why it is answered nothing else, whatever it asks.
  private let refusal: String?
  private(set) var state: State

  init(_ descriptor: consuming Descriptor, name: String, refusal: String?, at now: Instant) {
    self.descriptor = descriptor
    self.name = name
    self.refusal = refusal
    state = .reading([], deadline: now + OperatorConnection.timeout)
  }

  /// When it is closed unless something comes of it.
  var deadline: Instant? {
    switch state {
    case .reading(_, let deadline), .writing(_, _, let deadline): deadline
    case .deciding, .over: nil
    }
  }

  /// Reads what has come; answers with the request when its line is complete. What comes behind it is not read.
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

  /// The request in the first bytes, or nil and an answer that it is none.
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

  /// Sends the answer, as far as there is room.
  mutating func answer(_ answer: ControlAnswer, at now: Instant) {
    let line = Array(answer.line.utf8) + [UInt8(ascii: "\n")]
    state = .writing(line, sent: 0, deadline: now + OperatorConnection.timeout)
    write()
  }

  /// Goes on sending.
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

  /// Whether its time is over.
  func isOverdue(at now: Instant) -> Bool { deadline.map { now >= $0 } ?? false }
}
