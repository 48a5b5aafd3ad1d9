import Control
import Domain
import Linux
import Wire

/// The running traces.
struct TraceSessions {
  private var sessions: [TraceSession] = []
  /// Any user of the control socket may ask for traces in a loop.
  var refusals = LogRateLimiter<Topic>(every: .seconds(5))
  /// The number of the last trace.
  private var last: UInt32 = 0

  enum Topic { case trace, secrets }

  /// Whether another one may begin.
  var hasRoom: Bool { sessions.count { !$0.isOver } < TraceOrder.limit }

  /// When `proceed` is due.
  var deadline: Instant? { sessions.map(\.due).min() }

  /// Begins a trace for the process with this connection; `requester`: its name in the log.
  mutating func begin(
    _ subject: TraceSubject, hasSecrets: Bool, _ duration: Interval, for requester: String,
    _ socket: consuming Descriptor, node: String, _ poller: borrowing Poller, at now: Instant
  ) throws(SystemError) -> TraceOrder {
    try poller.watch(socket, token: SupervisorToken(.traces).rawValue)
    last += 1
    let order = TraceOrder(number: last, subject: subject, hasSecrets: hasSecrets, duration: duration)
    sessions.append(TraceSession(order, for: requester, SharedDescriptor(socket), node: node, at: now))
    return order
  }

  /// What a new worker has to do: the running traces with the rest of their time.
  func orders(at now: Instant) -> [TraceOrder] {
    sessions.filter { !$0.isOver }.map { session in
      var order = session.order
      order.duration = session.deadline - now
      return order
    }
  }

  /// Takes an event of the worker. False: no trace could have it.
  mutating func take(_ event: TraceEvent, of number: UInt32) -> Bool {
    guard 1...max(1, last) ~= number, last > 0, ![.workerEnded, .ended].contains(event.kind) else { return false }
    // Of a trace that has just ended.
    guard let index = sessions.firstIndex(where: { $0.order.number == number }) else { return true }
    let hasSecrets = event[.secrets] != nil
    guard (event.kind == .secrets) == hasSecrets, !hasSecrets || sessions[index].order.hasSecrets else { return false }
    sessions[index].add(event)
    return true
  }

  /// Reports an event of the supervisor to all.
  mutating func note(_ event: TraceEvent) {
    for index in sessions.indices { sessions[index].add(event) }
  }

  /// For a report.
  func reported(at now: Instant) -> [StatusReport.Trace] {
    sessions.filter { !$0.isOver }.map { session in
      StatusReport.Trace(
        subject: session.order.subject.title, requester: session.requester,
        secondsLeft: (session.deadline - now).nanoseconds / 1_000_000_000, hasSecrets: session.order.hasSecrets)
    }
  }

  /// Passes events on a last time: the service ends. Returns the traces that have ended now, with the reason.
  mutating func endAll(at now: Instant) -> [(session: TraceSession, reason: String)] {
    let ended = proceed(at: now)
    defer { sessions = [] }
    return ended + sessions.filter { !$0.isOver }.map { ($0, "the service stops") }
  }

  /// Passes events on and lets time pass. Returns the traces that have ended, with the reason.
  mutating func proceed(at now: Instant) -> [(session: TraceSession, reason: String)] {
    var ended: [(session: TraceSession, reason: String)] = []
    for index in sessions.indices {
      if let reason = sessions[index].proceed(at: now) { ended.append((sessions[index], reason)) }
    }
    sessions.removeAll { $0.isClosed(at: now) }
    return ended
  }
}
