import Control
import Linux
import Wire

/// One operator's connection: a line in, a line out, then its end. Never waits.
///
///     reading → (deciding) → writing → over
struct OperatorConnection: ~Copyable {
  /// How long an operator may take to send a request, and then to take the answer.
  static let timeout = Interval.seconds(5)

  enum Phase: Equatable {
    /// For the end of the request's line.
    case reading
    /// The answer is not known yet: a reload is under way.
    case deciding
    case writing
    /// Nothing is left to do but to close it.
    case over
  }

  let descriptor: Descriptor
  /// In the log: `pid 4711, uid 1000`.
  let name: String
  /// Why it is answered nothing else, whatever it asks.
  private let refusal: String?
  private(set) var phase = Phase.reading
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var sent = 0
  /// When it is closed unless something comes of it; while it decides, whoever decides has a bound.
  private(set) var deadline: Instant

  init(_ descriptor: consuming Descriptor, name: String, refusal: String?, at now: Instant) {
    self.descriptor = descriptor
    self.name = name
    self.refusal = refusal
    deadline = now + OperatorConnection.timeout
  }

  /// Reads what has come; answers with the request when its line is complete. What comes behind it is not read.
  mutating func read(at now: Instant) -> ControlRequest? {
    while phase == .reading {
      switch LocalSocket.receive(from: descriptor, limit: ControlRequest.byteLimit) {
      case .nothing: return nil
      case .ended:
        guard !input.isEmpty else {
          phase = .over
          return nil
        }
        return take(input.count, at: now)
      case .bytes(let bytes):
        input += bytes
        if let end = input.firstIndex(of: UInt8(ascii: "\n")), end < ControlRequest.byteLimit {
          return take(end, at: now)
        }
        if input.count >= ControlRequest.byteLimit {
          answer(.refused(["the request is longer than \(ControlRequest.byteLimit) bytes"]), at: now)
        }
      }
    }
    return nil
  }

  /// The request in the first bytes, or nil and an answer that it is none.
  private mutating func take(_ count: Int, at now: Instant) -> ControlRequest? {
    if let refusal {
      answer(.refused([refusal]), at: now)
      return nil
    }
    do throws(ControlFault) {
      let request = try ControlRequest(parsing: input.span.extracting(..<count))
      phase = .deciding
      return request
    } catch {
      answer(.refused(["not a request: \(error)"]), at: now)
      return nil
    }
  }

  /// Sends the answer, as far as there is room.
  mutating func answer(_ answer: ControlAnswer, at now: Instant) {
    input = []
    output = Array(answer.line.utf8) + [UInt8(ascii: "\n")]
    phase = .writing
    deadline = now + OperatorConnection.timeout
    write()
  }

  /// Goes on sending.
  mutating func write() {
    while phase == .writing {
      guard sent < output.count else {
        phase = .over
        return
      }
      switch Socket.write(descriptor.number, output.span.extracting(sent...)) {
      case .bytes(let count): sent += count
      case .wouldBlock: return
      case .failed: phase = .over
      }
    }
  }

  /// Whether its time is over.
  func isOverdue(at now: Instant) -> Bool { phase != .deciding && now >= deadline }
}
