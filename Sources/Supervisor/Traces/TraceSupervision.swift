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
    if hasSecrets, !operators.isRoot(requester) {
      return refuseTrace("permission denied: be root to get TLS secrets", requester)
    }
    // One that has just ended makes room.
    serveTraces()
    guard operators.traces.hasRoom else {
      return refuseTrace("\(TraceOrder.limit) traces are running: try again when one has ended", requester)
    }
    guard case .serving = workerState.state, worker?.link.hasRoomForOperators == true else {
      return refuseTrace("no worker serves now: try again", requester)
    }
    do throws(SystemError) {
      guard let socket = operators.takeConnection(of: requester, poller) else { return }
      let order = try operators.traces.begin(
        subject, hasSecrets: hasSecrets, .seconds(seconds), for: name, socket,
        node: active.plan.configuration.hostName, poller, at: Clock.monotonic())
      log.notice("trace: \(subject.title), for \(seconds) s, requested by \(name)")
      if hasSecrets {
        log.warning("trace: the TLS secrets of \(subject.title) are given to \(name), who can read the connections")
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
      log.notice("trace: of \(session.order.subject.title), for \(session.requester), has ended: \(reason)")
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

  private mutating func refuseTrace(_ reason: String, _ requester: OperatorSocket.Requester) {
    reply(.refused([reason]), to: requester)
  }
}
