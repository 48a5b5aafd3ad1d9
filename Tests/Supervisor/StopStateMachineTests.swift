import Testing
import Wire

@testable import Supervisor

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

private func machine(_ history: [StopStateMachine.Event]) -> StopStateMachine {
  var machine = StopStateMachine()
  for event in history { _ = machine.handle(event, at: at(0)) }
  return machine
}

private let beginnings: [(String, StopStateMachine)] = [
  ("running", machine([])),
  ("handing over", machine([.terminate(handsOver: true)])),
  ("handing over, cut", machine([.terminate(handsOver: true), .terminate(handsOver: false)])),
  ("stopping", machine([.terminate(handsOver: false)])),
]

private let events: [(String, StopStateMachine.Event)] = [
  ("terminate", .terminate(handsOver: false)), ("terminate, addresses", .terminate(handsOver: true)),
  ("handedOver", .handedOver), ("timer", .timer),
]

private func text(_ state: StopStateMachine.State) -> String {
  switch state {
  case .running: "running"
  case .handingOver(let deadline, let isCut):
    "handing over until \(deadline.milliseconds / 1000)" + (isCut ? ", then cut" : "")
  case .stopping: "stopping"
  }
}

private func text(_ effect: StopStateMachine.Effect) -> String {
  switch effect {
  case .announceStopping(let bound): "announce stopping within \(bound.milliseconds / 1000) s"
  case .handOver: "hand over"
  case .stopWorker: "stop the worker"
  }
}

/// A timer fires at the state's deadline.
private let table = """
  running | terminate → stopping: stop the worker
  running | terminate, addresses → handing over until 4: announce stopping within 3 s, hand over
  handing over | terminate → handing over until 3, then cut
  handing over | terminate, addresses → handing over until 3, then cut
  handing over | handedOver → stopping: stop the worker
  handing over | timer → stopping: stop the worker
  handing over, cut | handedOver → stopping: stop the worker, stop the worker
  handing over, cut | timer → stopping: stop the worker, stop the worker
  stopping | terminate → same: stop the worker
  stopping | terminate, addresses → same: stop the worker
  """

@Suite struct `A stop` {
  @Test func `is handled in each state as the table says`() {
    let now = stateTable(beginnings, events, state: { text($0.state) }) { machine, event in
      machine.handle(event, at: event == .timer ? machine.deadline ?? at(1) : at(1)).map(text)
    }
    #expect(now == table)
  }

  @Test func `waits for the virtual addresses until its time-out, and no longer`() {
    var machine = machine([.terminate(handsOver: true)])
    #expect(machine.handle(.timer, at: at(2)) == [])
    #expect(machine.handle(.timer, at: at(3)) == [.stopWorker])
    #expect(machine.deadline == nil)
  }

  @Test func `is not restarted by a signal after the time-out of a virtual router`() {
    var machine = machine([.terminate(handsOver: true)])
    _ = machine.handle(.timer, at: at(3))
    #expect(machine.handle(.terminate(handsOver: true), at: at(4)) == [.stopWorker])
  }
}
