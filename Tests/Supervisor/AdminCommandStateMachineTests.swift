import Control
import Domain
import Linux
import WorkerProtocol
import Simulation
import Testing
import Wire

@testable import Supervisor

private typealias Machine = AdminCommandStateMachine
private typealias Requester = OperatorSocket.Requester

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }
private let moment = WallTime(milliseconds: 0)

private func machine(file: String?, _ history: [Machine.Event]) -> Machine {
  var machine = Machine(AdminStates(), file: file)
  for event in history { _ = machine.handle(event, at: at(0)) }
  return machine
}

private func drain(by requester: Character) -> Machine.Event {
  .command(.drain, server: "view01", by: .named(requester), moment)
}

private let beginnings: [(String, Machine)] = [
  ("no worker", machine(file: "F", [])),
  ("quiet", machine(file: "F", [.workerStarted])),
  ("no file", machine(file: nil, [.workerStarted])),
  ("no file, no worker", machine(file: nil, [])),
  ("applying", machine(file: "F", [.workerStarted, drain(by: "A")])),
  ("applying, saved", machine(file: "F", [.workerStarted, drain(by: "A"), .saved(upTo: 1, failure: nil)])),
  ("applying, no file", machine(file: nil, [.workerStarted, drain(by: "A")])),
  ("two", machine(file: "F", [.workerStarted, drain(by: "A"), drain(by: "B")])),
  ("remembering", machine(file: "F", [.workerStarted, drain(by: "A"), .applied(upTo: 1)])),
  ("remembering, not applied", machine(file: "F", [drain(by: "A")])),
]

private let events: [(String, Machine.Event)] = [
  ("command", .command(.maintenance, server: "view02", by: .named("Z"), moment)),
  ("workerStarted", .workerStarted), ("applied", .applied(upTo: 1)), ("workerEnded", .workerEnded),
  ("saved", .saved(upTo: 1, failure: nil)), ("not saved", .saved(upTo: 1, failure: "full")),
  ("other file", .configured(servers: ["view01"], file: "G")), ("no file", .configured(servers: ["view01"], file: nil)),
  ("no server", .configured(servers: [], file: "F")), ("timer", .timer),
]

private func text(_ machine: Machine) -> String {
  let commands = machine.commands.map { command in
    let progress =
      switch command.progress {
      case .applying(let deadline): "applying until \(deadline.milliseconds / 1000)"
      case .remembering(let isApplied, let deadline):
        "\(isApplied ? "applied" : "not applied"), remembering until \(deadline.milliseconds / 1000)"
      }
    return "\(command.requester.name)\(command.number) \(progress)"
  }
  return commands.isEmpty ? "none" : commands.joined(separator: "; ")
}

private func text(_ effect: Machine.Effect) -> String {
  switch effect {
  case .send(let state, let server, let number): "send \(server) \(state) as \(number)"
  case .save(let snapshot, let number, let path):
    "save [\(snapshot.states.keys.sorted().joined(separator: " "))] up to \(number) in \(path)"
  case .forget: "forget"
  case .note(let note): note.text
  case .answer(let requester, let server, let isApplied, let memory):
    "answer \(requester.name) \(server) \(isApplied ? "applied" : "not applied"), \(text(memory))"
  }
}

private func text(_ memory: Machine.Memory) -> String {
  switch memory {
  case .unwanted: "kept nowhere"
  case .saved: "saved"
  case .failed(let path, let reason): "not saved in \(path): \(reason)"
  }
}

/// A timer fires at the first deadline.
private let table = """
  no worker | command → Z1 not applied, remembering until 1: save [view02] up to 1 in F
  no worker | other file → same: save [] up to 0 in G
  no worker | no file → same: forget
  quiet | command → Z1 applying until 8: save [view02] up to 1 in F, send view02 maintenance as 1
  quiet | other file → same: save [] up to 0 in G
  quiet | no file → same: forget
  no file | command → Z1 applying until 8: forget, send view02 maintenance as 1
  no file | other file → same: save [] up to 0 in G
  no file | no server → same: save [] up to 0 in F
  no file, no worker | command → same: forget, answer Z view02 not applied, kept nowhere
  no file, no worker | other file → same: save [] up to 0 in G
  no file, no worker | no server → same: save [] up to 0 in F
  applying | command → A1 applying until 8; Z2 applying until 8: save [view01 view02] up to 2 in F, send view02 maintenance as 2
  applying | applied → A1 applied, remembering until 1
  applying | workerEnded → A1 not applied, remembering until 1
  applying | other file → same: save [view01] up to 1 in G
  applying | no file → same: forget
  applying | no server → same: save [] up to 1 in F
  applying | timer → A1 not applied, remembering until 9
  applying, saved | command → A1 applying until 8; Z2 applying until 8: save [view01 view02] up to 2 in F, send view02 maintenance as 2
  applying, saved | applied → none: answer A view01 applied, saved
  applying, saved | workerEnded → none: answer A view01 not applied, saved
  applying, saved | other file → same: save [view01] up to 1 in G
  applying, saved | no file → same: forget
  applying, saved | no server → same: save [] up to 1 in F
  applying, saved | timer → none: answer A view01 not applied, saved
  applying, no file | command → A1 applying until 8; Z2 applying until 8: forget, send view02 maintenance as 2
  applying, no file | applied → none: answer A view01 applied, kept nowhere
  applying, no file | workerEnded → none: answer A view01 not applied, kept nowhere
  applying, no file | other file → same: save [view01] up to 1 in G
  applying, no file | no server → same: save [] up to 1 in F
  applying, no file | timer → none: answer A view01 not applied, kept nowhere
  two | command → A1 applying until 8; B2 applying until 8; Z3 applying until 8: save [view01 view02] up to 3 in F, send view02 maintenance as 3
  two | applied → A1 applied, remembering until 1; B2 applying until 8
  two | workerEnded → A1 not applied, remembering until 1; B2 not applied, remembering until 1
  two | other file → same: save [view01] up to 2 in G
  two | no file → same: forget
  two | no server → same: save [] up to 2 in F
  two | timer → A1 not applied, remembering until 9; B2 not applied, remembering until 9
  remembering | command → A1 applied, remembering until 1; Z2 applying until 8: save [view01 view02] up to 2 in F, send view02 maintenance as 2
  remembering | saved → none: answer A view01 applied, saved
  remembering | not saved → none: answer A view01 applied, not saved in F: full
  remembering | other file → same: save [view01] up to 1 in G
  remembering | no file → none: forget, answer A view01 applied, kept nowhere
  remembering | no server → same: save [] up to 1 in F
  remembering | timer → none: answer A view01 applied, not saved in F: the disk takes too long
  remembering, not applied | command → A1 not applied, remembering until 1; Z2 not applied, remembering until 1: save [view01 view02] up to 2 in F
  remembering, not applied | saved → none: answer A view01 not applied, saved
  remembering, not applied | not saved → none: answer A view01 not applied, not saved in F: full
  remembering, not applied | other file → same: save [view01] up to 1 in G
  remembering, not applied | no file → none: forget, answer A view01 not applied, kept nowhere
  remembering, not applied | no server → same: save [] up to 1 in F
  remembering, not applied | timer → none: answer A view01 not applied, not saved in F: the disk takes too long
  """

@Suite struct `An administrator's command` {
  @Test func `is handled in each state as the table says`() {
    let now = stateTable(beginnings, events, state: text) { machine, event in
      var second: UInt64 = 0
      if case .timer = event, let deadline = machine.deadline { second = deadline.milliseconds / 1000 }
      return machine.handle(event, at: at(second)).map(text)
    }
    #expect(now == table)
  }

  @Test func `is kept if the new configuration has its server, and dropped otherwise`() {
    var machine = machine(file: nil, [drain(by: "A"), .command(.drain, server: "view02", by: .named("B"), moment)])
    _ = machine.handle(.configured(servers: ["view02", "view03"], file: nil), at: at(1))
    #expect(machine.states.all.map(\.name) == ["view02"])
  }

  @Test func `is kept if its server is renamed, and is sent to the worker under the new name`() {
    var machine = machine(file: "F", [.configured(servers: ["view01"], file: "F"), .workerStarted, drain(by: "A")])
    let effects = machine.handle(.configured(servers: ["view/view01"], file: "F"), at: at(1)).map(text)
    #expect(
      effects == [
        "save [view/view01] up to 1 in F", "server state: view01 is called view/view01 now, and keeps drain",
        "send view/view01 drain as 1",
      ])
    _ = machine.handle(.applied(upTo: 1), at: at(1))
    let answers = machine.handle(.saved(upTo: 1, failure: nil), at: at(1)).map(text)
    #expect(answers == ["answer A view/view01 applied, saved"])
  }

  @Test func `is learned by the other node, saved there and sent to its worker`() {
    var machine = Machine(AdminStates(node: "lb1"), file: "F")
    for event in [.configured(servers: ["view01"], file: "F"), .workerStarted] as [Machine.Event] {
      _ = machine.handle(event, at: at(0))
    }
    let learned = AdminState(mode: .drain, since: WallTime(milliseconds: 5), node: "lb2")
    #expect(
      machine.handle(.learned(learned, server: "view01", WallTime(milliseconds: 5)), at: at(0)).map(text) == [
        "server view01: drain, requested on lb2", "save [view01] up to 1 in F", "send view01 drain as 1",
      ])
    #expect(machine.handle(.learned(learned, server: "view01", WallTime(milliseconds: 5)), at: at(0)).isEmpty)
    #expect(machine.handle(.learned(learned, server: "view02", WallTime(milliseconds: 5)), at: at(0)).isEmpty)
  }

  @Test func `is answered once, in the order of commands, and always has a deadline while it waits`() {
    for seed in UInt64(1)...2000 {
      var simulation = AdminSimulation(seed: seed)
      simulation.run()
      #expect(simulation.faults == [], "seed \(seed)")
    }
  }
}

/// Administrators, a worker that restarts, and a disk, which behave at random.
private struct AdminSimulation {
  private var random: SeededGenerator
  private var machine: Machine
  private var now = Instant(nanoseconds: 0)
  private var hasWorker = false
  private var asked: [Requester] = []
  private var answered: [Requester] = []
  private var sent: UInt64 = 0
  private var written: UInt64 = 0
  private(set) var faults: [String] = []

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    machine = Machine(AdminStates(), file: random.next() % 2 == 0 ? "F" : nil)
  }

  mutating func run() {
    for _ in 0..<60 {
      now = now + .milliseconds(random.next() % 1500)
      step()
    }
    // There are no more answers.
    for _ in 0..<100 {
      guard let deadline = machine.deadline else { break }
      now = max(now, deadline)
      send(.timer)
    }
    if answered != asked { faults.append("\(asked.count - answered.count) are not answered in their order") }
  }

  private mutating func step() {
    switch random.next() % 8 {
    case 0, 1:
      let requester = Requester(key: SlabKey(index: UInt32(asked.count), generation: 1))
      asked.append(requester)
      send(.command(.drain, server: "view0\(random.next() % 3)", by: requester, moment))
    case 2:
      hasWorker = true
      send(.workerStarted)
    case 3 where hasWorker: send(.applied(upTo: random.next() % (sent + 1)))
    case 4:
      hasWorker = false
      send(.workerEnded)
    case 5: send(.saved(upTo: random.next() % (written + 1), failure: random.next() % 3 == 0 ? "full" : nil))
    case 6: send(.configured(servers: ["view00", "view01"], file: random.next() % 2 == 0 ? "F" : nil))
    default: send(.timer)
    }
  }

  private mutating func send(_ event: Machine.Event) {
    for effect in machine.handle(event, at: now) {
      switch effect {
      case .send(_, _, let number):
        if !hasWorker { faults.append("sent without a worker") }
        if number <= sent { faults.append("an old number") }
        sent = number
      case .save(_, let number, _): written = number
      case .forget, .note: break
      case .answer(let requester, _, _, _): answered.append(requester)
      }
    }
    if machine.commands.isEmpty != (machine.deadline == nil) { faults.append("no deadline") }
  }
}
