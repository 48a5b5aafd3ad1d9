import Control
import Linux
import Logging
import Pair
import Systemd
import Wire

/// Requests over the control socket, and their answers.
extension Supervision {
  /// As many as fit below a page of servers.
  private static let problemsShown = 10

  /// Handles poller events of the control socket.
  mutating func serveOperators(_ events: [SupervisorToken]) {
    for event in events {
      guard let (request, requester) = operators.handle(event, poller, at: Clock.monotonic()) else { continue }
      answer(request, of: requester)
    }
    if operators.takeWorkerIntrusion() { handle(worker: .faulty(reason: "it connected to the control socket")) }
  }

  private mutating func answer(_ request: ControlRequest, of requester: OperatorSocket.Requester) {
    switch request {
    case .status: operators.waiting.add(requester, at: Clock.monotonic())
    case .reload:
      log.notice("reload: requested by \(operators.name(of: requester))")
      handle(reload: .requested(by: requester))
    case .server(let name, let command): self.command(command, of: name, for: requester)
    case .maintenance(let service, let isOn): command(maintenance: isOn, of: service, for: requester)
    case .failover(let seconds): failOver(for: .seconds(seconds), requester)
    case .failback: failOver(for: nil, requester)
    case .wait(let condition, let seconds):
      guard operators.waiting.hasRoom else {
        return reply(.refused(["\(WaitingRequests.limit) requests wait already: try again later"]), to: requester)
      }
      operators.wait(requester, for: condition, seconds: seconds, at: Clock.monotonic())
    case .stream(let node): openStream(to: node, for: requester)
    case .trace(let subject, let seconds, let hasSecrets):
      beginTrace(of: subject, hasSecrets: hasSecrets, seconds: seconds, for: requester)
    }
  }

  /// Answers those that ask for the status, that wait for what is now so, or that no longer wait.
  mutating func answerWaiting(at now: Instant) {
    guard !operators.waiting.isEmpty else { return }
    let over = operators.waiting.take(at: now) { [status, pair] condition, start in
      switch condition {
      case .serving(let service): status.isConfirmed(service: service)
      case .report(let node): pair?.peers.hasReport(of: node, after: start) == true
      }
    }
    if !over.isEmpty { operators.encoder.encode(report(), for: over) }
  }

  mutating func reply(_ answer: ControlAnswer, to requester: OperatorSocket.Requester) {
    operators.answer(requester, answer.bytes, at: Clock.monotonic())
  }

  /// Whether the status is published to `belvedere observe`.
  var isObserved: Bool { active.plan.description.isObserved }

  /// The current status.
  func report() -> StatusReport {
    let current = StatusReport.Configuration(
      number: active.number, since: active.since, threads: UInt64(active.plan.loops))
    var report = StatusReport(time: .now, since: origin.began, configuration: current)
    report.node = active.plan.configuration.hostName
    report.version = origin.version
    report.pid = Int64(CurrentProcess.identifier)
    report.state = StatusReport.State(workerState.state)
    report.worker = runningWorker
    status.fill(&report, admin.commands.states)
    failover.routers?.fill(&report)
    report.pair = pairReport(at: report.time)
    report.traces = operators.traces.reported(at: Clock.monotonic())
    report.problems = Array(OperationalLog.problems.reversed().prefix(Self.problemsShown))
    return report
  }

  private var runningWorker: StatusReport.Worker? {
    switch worker {
    case nil: nil
    case .some(let worker): StatusReport.Worker(pid: Int64(worker.child.identifier), since: worker.since)
    }
  }
}

extension WallTime {
  static var now: WallTime { Clock.wall() }
}

extension StatusReport.State {
  init(_ state: WorkerStateMachine.State) {
    switch state {
    case .idle, .starting, .ending: self = .starting
    case .serving: self = .serving
    case .waiting: self = .waiting
    case .stopping, .finished: self = .stopping
    }
  }
}
