import Control
import Wire

/// Operators' requests that wait for a condition: each is answered once, when its condition holds or its time is over.
/// Half of the connections are left for other requests. Pure.
struct WaitingRequests {
  /// The most that wait for a condition.
  static let limit = OperatorSocket.connectionLimit / 2

  typealias Requester = OperatorSocket.Requester

  private struct Wait {
    let requester: Requester
    /// Nil: it is answered at the end of the turn.
    let condition: ControlRequest.Condition?
    let start: Instant
    let deadline: Instant
  }

  private var waits: [Wait] = []

  var isEmpty: Bool { waits.isEmpty }

  /// Whether another request may wait for a condition.
  var hasRoom: Bool { waits.count { $0.condition != nil } < Self.limit }

  /// When `take` is due although nothing has changed.
  var deadline: Instant? { waits.map(\.deadline).min() }

  func contains(_ requester: Requester) -> Bool { waits.contains { $0.requester == requester } }

  /// Adds a request that the next `take` returns: one answer is for all that come in a turn.
  mutating func add(_ requester: Requester, at now: Instant) {
    waits.append(Wait(requester: requester, condition: nil, start: now, deadline: now))
  }

  /// Adds a request.
  mutating func add(
    _ requester: Requester, for condition: ControlRequest.Condition, seconds: UInt64, at now: Instant
  ) {
    waits.append(Wait(requester: requester, condition: condition, start: now, deadline: now + .seconds(seconds)))
  }

  /// Removes the requests that are to be answered now. `holds` gets a condition, and when the wait for it began.
  mutating func take(at now: Instant, _ holds: (ControlRequest.Condition, Instant) -> Bool) -> [Requester] {
    let over = waits.filter { wait in
      now >= wait.deadline || wait.condition.map { holds($0, wait.start) } ?? true
    }.map(\.requester)
    waits.removeAll { over.contains($0.requester) }
    return over
  }

  /// Removes a request whose client has left.
  mutating func remove(_ requester: Requester) { waits.removeAll { $0.requester == requester } }
}
