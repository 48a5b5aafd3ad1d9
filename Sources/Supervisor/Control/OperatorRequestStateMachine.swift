import Control
import Wire

/// A request over the control socket: one line, one line in answer, then the connection is closed. Each line is due
/// within a time limit of its own. Pure.
///
///     reading → deciding → writing → over
struct OperatorRequestStateMachine {
  /// The time limit for the request, and then for the answer.
  static let timeout = Interval.seconds(5)

  enum State: Equatable {
    /// A partial request; the rest is due before the deadline.
    case reading([UInt8], deadline: Instant)
    /// The answer is not known yet, for example during a reload, which has time limits of its own.
    case deciding
    /// The answer with its line end, of which so many bytes are sent; the rest is due before the deadline.
    case writing([UInt8], sent: Int, deadline: Instant)
    /// The connection is to be closed.
    case over
  }

  enum Event {
    /// The client has sent bytes: no more than the state's `room`.
    case received([UInt8])
    /// The client has closed its direction.
    case ended
    /// The answer is known: these bytes, with their line end.
    case answered([UInt8])
    /// So many bytes of the answer were sent.
    case sent(Int)
    /// The connection is broken.
    case failed
    /// Time has passed.
    case timer
  }

  private(set) var state: State
  /// The answer to every request of a client without permission.
  private let refusal: String?

  init(refusal: String?, at now: Instant) {
    self.refusal = refusal
    state = .reading([], deadline: now + Self.timeout)
  }

  /// When `handle(.timer)` is due.
  var deadline: Instant? {
    switch state {
    case .reading(_, let deadline), .writing(_, _, let deadline): deadline
    case .deciding, .over: nil
    }
  }

  /// How many bytes of the request may follow; nil once none is expected.
  var room: Int? {
    guard case .reading(let received, _) = state else { return nil }
    return ControlRequest.byteLimit - received.count
  }

  /// Returns the request when its line is complete, once, and valid; otherwise the state says what follows.
  mutating func handle(_ event: Event, at now: Instant) -> ControlRequest? {
    switch (state, event) {
    case (.reading(let begun, let deadline), .received(let bytes)):
      let received = begun + bytes
      if let end = received.firstIndex(of: UInt8(ascii: "\n")), end < ControlRequest.byteLimit {
        return parse(Array(received[..<end]), at: now)
      }
      if received.count < ControlRequest.byteLimit {
        state = .reading(received, deadline: deadline)
      } else {
        refuse(["the request is longer than \(ControlRequest.byteLimit) bytes"], at: now)
      }
    case (.reading([], _), .ended), (.reading, .failed), (.writing, .failed): state = .over
    case (.reading(let received, _), .ended): return parse(received, at: now)
    case (.deciding, .answered(let answer)): self.answer(answer, at: now)
    case (.writing(let line, let sent, let deadline), .sent(let count)):
      state = sent + count < line.count ? .writing(line, sent: sent + count, deadline: deadline) : .over
    case (.reading(_, let deadline), .timer), (.writing(_, _, let deadline), .timer):
      if now >= deadline { state = .over }
    case (.reading, .answered), (.reading, .sent), (.deciding, _), (.writing, _), (.over, _): break
    }
    return nil
  }

  private mutating func parse(_ line: [UInt8], at now: Instant) -> ControlRequest? {
    do throws(ControlFault) {
      if let refusal {
        refuse([refusal], at: now)
        return nil
      }
      let request = try ControlRequest(parsing: line)
      state = .deciding
      return request
    } catch {
      refuse(["not a request: \(error)"], at: now)
      return nil
    }
  }

  private mutating func refuse(_ reasons: [String], at now: Instant) {
    answer(ControlAnswer.refused(reasons).bytes, at: now)
  }

  private mutating func answer(_ bytes: [UInt8], at now: Instant) {
    state = .writing(bytes, sent: 0, deadline: now + Self.timeout)
  }
}
