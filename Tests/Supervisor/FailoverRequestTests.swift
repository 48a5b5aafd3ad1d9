import Control
import Testing
import Wire

@testable import Supervisor

private let asked = FailoverRequest.Event.requested(by: .named("A"), staysAway: .seconds(60), routers: 2)
private func handover(_ name: String) -> Handover { Handover(name: name, outcome: .kept) }

private func machine(_ history: [FailoverRequest.Event]) -> FailoverRequest {
  var machine = FailoverRequest()
  for event in history { _ = machine.handle(event) }
  return machine
}

private let beginnings: [(String, FailoverRequest)] = [
  ("idle", machine([])),
  ("waiting", machine([asked])),
  ("waiting for the second", machine([asked, .ended(router: 0, handover("r0"))])),
]

private let events: [(String, FailoverRequest.Event)] = [
  ("requested", .requested(by: .named("Z"), staysAway: .seconds(7), routers: 2)),
  ("requested back", .requested(by: .named("Z"), staysAway: nil, routers: 2)),
  ("first ended", .ended(router: 0, handover("r0"))), ("second ended", .ended(router: 1, handover("r1"))),
]

private func text(_ state: FailoverRequest.State) -> String {
  switch state {
  case .idle: "idle"
  case .waiting(let requester, let outcomes):
    "\(requester.name) waits, " + outcomes.map { $0?.name ?? "?" }.joined(separator: " ")
  }
}

private func text(_ effect: FailoverRequest.Effect) -> String {
  switch effect {
  case .failOver(_, let bound): bound.map { "fail over for \($0.milliseconds / 1000) s" } ?? "fail back"
  case .answer(let requester, let outcomes): "answer \(requester.name) \(outcomes.map(\.name).joined(separator: " "))"
  case .refuse(let requester): "refuse \(requester.name)"
  }
}

private let table = """
  idle | requested → Z waits, ? ?: fail over for 7 s
  idle | requested back → Z waits, ? ?: fail back
  waiting | requested → same: refuse Z
  waiting | requested back → same: refuse Z
  waiting | first ended → A waits, r0 ?
  waiting | second ended → A waits, ? r1
  waiting for the second | requested → same: refuse Z
  waiting for the second | requested back → same: refuse Z
  waiting for the second | second ended → idle: answer A r0 r1
  """

@Suite struct `A failover request` {
  @Test func `is handled in each state as the table says`() {
    let now = stateTable(beginnings, events, state: { text($0.state) }) { machine, event in
      machine.handle(event).map(text)
    }
    #expect(now == table)
  }
}
