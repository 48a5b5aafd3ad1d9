import Control
import Testing
import Wire

@testable import Linux
@testable import Supervisor

private typealias Machine = OperatorRequestStateMachine

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }
private let line = Array("\(ControlRequest.reload.line)\n".utf8)
private let half = Array(line.prefix(20))

private func machine(_ history: [Machine.Event], refusal: String? = nil) -> Machine {
  var machine = Machine(refusal: refusal, at: at(0))
  for event in history { _ = machine.handle(event, at: at(0)) }
  return machine
}

private let beginnings: [(String, Machine)] = [
  ("reading", machine([])),
  ("reading, unauthorized", machine([], refusal: "no permission")),
  ("half read", machine([.received(half)])),
  ("deciding", machine([.received(line)])),
  ("writing", machine([.received(line), .answered(ControlAnswer.refused(["busy"]).bytes)])),
  ("over", machine([.failed])),
]

private let events: [(String, Machine.Event)] = [
  ("a request", .received(line)), ("its rest", .received(Array(line.dropFirst(half.count)))),
  ("a part", .received(half)), ("no request", .received(Array("{}\n".utf8))),
  ("a long line", .received(Array(repeating: UInt8(ascii: "x"), count: ControlRequest.byteLimit))),
  ("ended", .ended), ("answered", .answered(ControlAnswer.refused(["later"]).bytes)), ("sent 5", .sent(5)),
  ("sent all", .sent(4096)),
  ("failed", .failed), ("timer", .timer),
]

private func text(_ state: Machine.State) -> String {
  switch state {
  case .reading(let bytes, let deadline): "reading, \(bytes.count) bytes, until \(deadline.milliseconds / 1000)"
  case .deciding: "deciding"
  case .writing(let line, let sent, let deadline):
    "writing \(reasons(line)) from \(sent) until \(deadline.milliseconds / 1000)"
  case .over: "over"
  }
}

/// What a refusal says.
private func reasons(_ line: [UInt8]) -> String {
  guard case .refused(let reasons)? = try? ControlAnswer(parsing: Array(line.dropLast())) else { return "?" }
  return reasons.map { "“\($0)”" }.joined()
}

/// A timer fires at the state's deadline.
private let table = """
  reading | a request → deciding: perform reload
  reading | its rest → writing “not a request: malformed JSON, or a number out of range” from 0 until 6
  reading | a part → reading, 20 bytes, until 5
  reading | no request → writing “not a request: `version` is missing, out of place or has no possible value” from 0 until 6
  reading | a long line → writing “the request is longer than 4096 bytes” from 0 until 6
  reading | ended → over
  reading | failed → over
  reading | timer → over
  reading, unauthorized | a request → writing “no permission” from 0 until 6
  reading, unauthorized | its rest → writing “no permission” from 0 until 6
  reading, unauthorized | a part → reading, 20 bytes, until 5
  reading, unauthorized | no request → writing “no permission” from 0 until 6
  reading, unauthorized | a long line → writing “the request is longer than 4096 bytes” from 0 until 6
  reading, unauthorized | ended → over
  reading, unauthorized | failed → over
  reading, unauthorized | timer → over
  half read | a request → writing “not a request: malformed JSON, or a number out of range” from 0 until 6
  half read | its rest → deciding: perform reload
  half read | a part → reading, 40 bytes, until 5
  half read | no request → writing “not a request: malformed JSON, or a number out of range” from 0 until 6
  half read | a long line → writing “the request is longer than 4096 bytes” from 0 until 6
  half read | ended → writing “not a request: malformed JSON, or a number out of range” from 0 until 6
  half read | failed → over
  half read | timer → over
  deciding | answered → writing “later” from 0 until 6
  writing | sent 5 → writing “busy” from 5 until 5
  writing | sent all → over
  writing | failed → over
  writing | timer → over
  """

@Suite struct `A request over the control socket` {
  @Test func `is handled in each state as the table says`() {
    let now = stateTable(beginnings, events, state: { text($0.state) }) { machine, event in
      let isTimer = if case .timer = event { true } else { false }
      return machine.handle(event, at: isTimer ? machine.deadline ?? at(1) : at(1)).map { ["perform \($0)"] } ?? []
    }
    #expect(now == table)
  }

  @Test func `is read whatever its pieces are, and takes no more than its limit`() {
    for end in 1..<line.count {
      var machine = machine([])
      #expect(machine.handle(.received(Array(line[..<end])), at: at(1)) == nil)
      #expect(machine.room == ControlRequest.byteLimit - end)
      #expect(machine.handle(.received(Array(line[end...])), at: at(1)) == .reload)
      #expect(machine.room == nil)
    }
  }

  @Test func `has a time limit that its bytes do not extend`() {
    var machine = machine([.received(half)])
    #expect(machine.handle(.received(half), at: at(4)) == nil)
    #expect(machine.handle(.timer, at: at(4)) == nil)
    #expect(machine.state != .over)
    #expect(machine.handle(.timer, at: at(5)) == nil)
    #expect(machine.state == .over)
  }

  @Test func `waits for its answer without a time limit`() {
    var machine = machine([.received(line)])
    #expect(machine.deadline == nil)
    #expect(machine.handle(.timer, at: at(86_400)) == nil)
    #expect(machine.state == .deciding)
  }
}

@Suite struct `Who may use the control socket` {
  private static func peer(_ process: Int32) -> LocalSocket.Peer { .init(process: process, user: 0, group: 0) }

  @Test func `is a process with permission, and never a recent worker`() {
    var admission = OperatorAdmission()
    #expect(admission.decision(on: Self.peer(7), isAuthorized: true) == .admitted)
    #expect(admission.decision(on: Self.peer(7), isAuthorized: false) == .unauthorized)
    for worker in 1...5 as ClosedRange<Int32> { admission.forbid(worker: worker) }
    #expect(admission.decision(on: Self.peer(5), isAuthorized: true) == .worker(isLatest: true))
    #expect(admission.decision(on: Self.peer(2), isAuthorized: true) == .worker(isLatest: false))
    #expect(admission.decision(on: Self.peer(1), isAuthorized: true) == .admitted, "four are remembered")
    #expect(admission.latestWorker == 5)
  }
}
