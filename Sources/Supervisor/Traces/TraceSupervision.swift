import Control
import Domain
import Linux
import Logging
import Wire
import WorkerProtocol

/// Traces of clients (`belvedere trace`): the worker reports, the process that has asked gets the events.
extension Supervision {
  /// Begins a trace, or refuses it.
  mutating func beginTrace(
    of subject: TraceSubject, hasSecrets: Bool, seconds: UInt64, for requester: OperatorSocket.Requester
  ) {
    let name = operators.name(of: requester)
    // One that has just ended makes room.
    serveTraces()
    if let reason = reasonToRefuse(hasSecrets: hasSecrets, requester) {
      if let others = operators.traces.refusals.take(hasSecrets ? .secrets : .trace, at: Clock.monotonic()) {
        let more = others == 0 ? "" : " (and \(others) more since the last line)"
        log.notice("trace: \(subject.title), requested by \(name), was refused: \(reason)\(more)")
      }
      return reply(.refused([reason]), to: requester)
    }
    do throws(SystemError) {
      guard let socket = operators.takeConnection(of: requester, poller) else { return }
      let order = try operators.traces.begin(
        subject, hasSecrets: hasSecrets, .seconds(seconds), for: name, socket,
        node: active.plan.configuration.hostName, poller, at: Clock.monotonic())
      log.notice("trace: \(subject.title), for \(seconds) s, requested by \(name)")
      if hasSecrets {
        log.warning(
          """
          trace: the TLS secrets of \(subject.title) (\(subject.extent)) are given to \(name), who can read the \
          connections
          """)
      }
      worker?.link.send(.trace(order), forOperators: true)
      worker?.link.flush()
      serveTraces()
    } catch {
      log.warning("trace: \(error)")
    }
  }

  /// Passes an event on. A worker that reports what no trace has asked for is replaced.
  mutating func take(_ event: TraceEvent, of number: UInt32) {
    guard operators.traces.take(event, of: number) else {
      return handle(worker: .faulty(reason: MessageError.unexpected("traced").description))
    }
  }

  /// Sends what there is, and ends traces whose time is over or whose process has gone.
  mutating func serveTraces() {
    for (session, reason) in operators.traces.proceed(at: Clock.monotonic()) {
      noteEnd(of: session, reason)
      worker?.link.send(.endTrace(number: session.order.number))
      worker?.link.flush()
    }
  }

  /// The worker has ended, and with it all that was followed.
  mutating func noteWorkerEndInTraces() { operators.traces.note(TraceEvent(.workerEnded, at: .now)) }

  /// A new worker goes on with the running traces.
  mutating func renewTraces() {
    for order in operators.traces.orders(at: Clock.monotonic()) { worker?.link.send(.trace(order)) }
    worker?.link.flush()
  }

  /// The supervisor ends, and with it the traces.
  mutating func endTraces() {
    for (session, reason) in operators.traces.endAll(at: Clock.monotonic()) { noteEnd(of: session, reason) }
  }

  private func noteEnd(of session: TraceSession, _ reason: String) {
    let words = [reason, session.givenWords].compactMap { $0 }.joined(separator: "; ")
    log.notice("trace: of \(session.order.subject.title), for \(session.requester), has ended: \(words)")
  }

  /// Nil: the trace may begin.
  private func reasonToRefuse(hasSecrets: Bool, _ requester: OperatorSocket.Requester) -> String? {
    if hasSecrets, !operators.isRoot(requester) { return "permission denied: be root to get TLS secrets" }
    guard operators.traces.hasRoom else {
      return "\(TraceOrder.limit) traces are running: try again when one has ended"
    }
    let hasRoom =
      switch worker {
      case nil: false
      case .some(let worker): worker.link.hasRoomForOperators
      }
    guard case .serving = workerState.state, hasRoom else { return "no worker serves now: try again" }
    return nil
  }
}
