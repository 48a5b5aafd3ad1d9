import Control
import Linux
import Wire

/// Encodes answers with a status on a thread of its own: with a thousand servers that takes longer than the supervisor's
/// loop, which sends advertisements, may stop for. The answers are bounded by the connections that wait for them.
final class StatusEncoder: Sendable {
  typealias Requester = OperatorSocket.Requester

  private struct State {
    var reports: [(report: StatusReport, requesters: [Requester])] = []
    var answers: [(bytes: [UInt8], requesters: [Requester])] = []
  }

  private let writer: BackgroundWriter<State>
  private let completion: Wakeup

  init() throws(SystemError) {
    completion = try Wakeup()
    writer = try BackgroundWriter(State())
    try writer.start(name: "status") { self.run() }
  }

  /// Registers with the poller, which reports when there are answers.
  func watch(_ poller: borrowing Poller) throws(SystemError) {
    try poller.watchLevel(completion.descriptor, token: SupervisorToken(.statusEncoder).rawValue)
  }

  /// Encodes a status that answers these requests.
  func encode(_ report: StatusReport, for requesters: [Requester]) {
    writer.submit { state in
      state.reports.append((report, requesters))
      return true
    }
  }

  /// The answers since the last call. Resets the poller's event.
  func takeAnswers() -> [(bytes: [UInt8], requesters: [Requester])] {
    completion.drain()
    return writer.access { state in
      defer { state.answers = [] }
      return state.answers
    }
  }

  private func run() {
    while true {
      let reports = writer.next { state in
        defer { state.reports = [] }
        return state.reports
      }
      for (report, requesters) in reports {
        let bytes = ControlAnswer.status(report).bytes
        writer.access { $0.answers.append((bytes, requesters)) }
        completion.signal()
      }
    }
  }
}
