import Control
import Linux
import Logging
import Systemd
import Wire

/// What operators ask over the control socket, and what they are answered.
extension Supervision {
  /// As many as fit under a page of servers.
  private static let problemsShown = 10

  /// Takes what the poller told of the control socket.
  mutating func serveOperators(_ events: [SupervisorToken]) {
    for event in events {
      guard let (request, asker) = operators.handle(event, poller, at: Clock.monotonic()) else { continue }
      answer(request, of: asker)
    }
    if operators.takeTrespass() { handle(.faulty(reason: "it connected to the control socket")) }
  }

  private mutating func answer(_ request: ControlRequest, of asker: OperatorSocket.Asker) {
    switch request {
    case .status: reply(.status(report()), to: asker)
    case .reload:
      log.notice("reload: asked for by \(operators.name(of: asker))")
      reload(for: asker)
    case .server(let name, let command): order(command, of: name, for: asker)
    case .failover(let seconds): failOver(for: .seconds(seconds), asker)
    case .failback: failBack(asker)
    }
  }

  mutating func reply(_ answer: ControlAnswer, to asker: OperatorSocket.Asker) {
    operators.answer(asker, answer, at: Clock.monotonic())
  }

  /// The service as it stands.
  private func report() -> StatusReport {
    let current = StatusReport.Generation(
      number: generation.current, since: generation.since, threads: UInt64(plan.loops))
    var report = StatusReport(time: .now, since: began, generation: current)
    report.node = plan.configuration.hostName
    report.version = version
    report.pid = Int64(CurrentProcess.identifier)
    report.state = StatusReport.State(life.state)
    if let process = workerIdentifier, let since = workerSince {
      report.worker = StatusReport.Worker(pid: Int64(process), since: since)
    }
    status.fill(&report, orders)
    routers?.fill(&report)
    report.problems = OperationalLog.problems.reversed().prefix(Self.problemsShown).map {
      StatusReport.Problem(time: Moment(milliseconds: $0.time), count: UInt64($0.count), text: $0.text)
    }
    return report
  }
}

extension Moment {
  static var now: Moment { Moment(milliseconds: Clock.wall() / 1_000_000) }
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
