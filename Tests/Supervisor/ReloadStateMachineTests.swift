import Linux
import Simulation
import Testing
import Wire

@testable import Supervisor

private typealias Machine = ReloadStateMachine<String>
private typealias Requester = OperatorSocket.Requester

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

private func machine(_ history: [Machine.Event]) -> Machine {
  var machine = Machine()
  for event in history { _ = machine.handle(event, at: at(0)) }
  return machine
}

private var asked: [Machine.Event] { [.workerServes, .requested(by: .named("A"))] }
private var loading: [Machine.Event] { asked + [.prepared("candidate")] }
private var beginnings: [(String, Machine)] {
  let histories: [(String, [Machine.Event])] = [
    ("idle, no worker", []),
    ("idle", [.workerServes]),
    ("waiting", [.requested(by: .named("A"))]),
    ("preparing", asked),
    ("loading", loading),
    ("loading, another", loading + [.requested(by: .named("B"))]),
    ("loading, another by a signal", loading + [.requested(by: nil)]),
    ("loading, hung", loading + [.workerUnavailable]),
    ("loading, hung, another", loading + [.requested(by: .named("B")), .workerUnavailable]),
    ("stopping", [.workerServes, .stop]),
  ]
  return histories.map { ($0, machine($1)) }
}

private var events: [(String, Machine.Event)] {
  [
    ("requested", .requested(by: .named("Z"))), ("signal", .requested(by: nil)), ("prepared", .prepared("new")),
    ("unprepared", .unprepared(ReloadRefusal(["L", "M"], reasons: ["R"]))), ("ready", .ready(number: 2)),
    ("ready, another's", .ready(number: 1)), ("refused", .refused(number: 2, reason: "R")),
    ("refused, another's", .refused(number: 1, reason: "R")), ("workerServes", .workerServes),
    ("workerUnavailable", .workerUnavailable), ("workerEnded", .workerEnded), ("stop", .stop), ("timer", .timer),
  ]
}

private func text(_ state: Machine.State) -> String {
  switch state {
  case .idle: "idle"
  case .waiting(let requesters): "waiting (\(requesters.names))"
  case .preparing(let requesters): "preparing (\(requesters.names))"
  case .loading(let loading):
    "loading \(loading.number) until \(loading.deadline.milliseconds / 1000) (\(loading.requesters.names))"
      + (loading.next.map { ", then (\($0.names))" } ?? "")
  case .stopping: "stopping"
  }
}

private func text(_ effect: Machine.Effect) -> String {
  switch effect {
  case .announceReloading: "announce reloading"
  case .prepare: "prepare"
  case .load(let candidate, let number): "load \(candidate) as \(number)"
  case .discard: "discard"
  case .adopt(let candidate, let number): "adopt \(candidate) as \(number)"
  case .announceReady: "announce ready"
  case .note(.refused(let line)): "note refused(\(short(line)))"
  case .note(let note): "note \(String(describing: note).prefix { $0.isLetter })"
  case .answer(let requesters, .serves(let number)): "answer \(requesters.names) serves \(number)"
  case .answer(let requesters, .refused(let reasons)):
    "answer \(requesters.names) refused(\(reasons.map(short).joined(separator: ", ")))"
  }
}

private func short(_ reason: String) -> String {
  [
    "the service stops": "stops", "the worker died during the reload": "died",
    "the worker did not answer in time": "late",
  ][reason] ?? reason
}

/// A timer fires at the state's deadline.
private let table = """
  idle, no worker | requested → waiting (Z): note postponed
  idle, no worker | signal → waiting (no client): note postponed
  idle, no worker | stop → stopping
  idle | requested → preparing (Z): announce reloading, prepare
  idle | signal → preparing (no client): announce reloading, prepare
  idle | stop → stopping
  waiting | requested → waiting (AZ): note postponed
  waiting | signal → same: note postponed
  waiting | workerServes → preparing (A): announce reloading, prepare
  waiting | stop → stopping: note refused(stops), answer A refused(stops)
  preparing | requested → preparing (AZ)
  preparing | prepared → loading 2 until 35 (A): load new as 2
  preparing | unprepared → idle: announce ready, note refused(L), note refused(M), answer A refused(R)
  preparing | stop → stopping: note refused(stops), answer A refused(stops)
  loading | requested → loading 2 until 30 (A), then (Z): note another
  loading | signal → loading 2 until 30 (A), then (no client): note another
  loading | ready → idle: adopt candidate as 2, announce ready, note serves, answer A serves 2
  loading | refused → idle: discard, announce ready, note refused(R), answer A refused(R)
  loading | workerEnded → idle: discard, announce ready, note refused(died), answer A refused(died)
  loading | stop → stopping: discard, note refused(stops), answer A refused(stops)
  loading | timer → idle: discard, announce ready, note refused(late), answer A refused(late)
  loading, another | requested → loading 2 until 30 (A), then (BZ): note another
  loading, another | signal → same: note another
  loading, another | ready → preparing (B): adopt candidate as 2, announce ready, note serves, answer A serves 2, announce reloading, prepare
  loading, another | refused → preparing (B): discard, announce ready, note refused(R), answer A refused(R), announce reloading, prepare
  loading, another | workerEnded → waiting (B): discard, announce ready, note refused(died), answer A refused(died), note postponed
  loading, another | stop → stopping: discard, note refused(stops), answer AB refused(stops)
  loading, another | timer → preparing (B): discard, announce ready, note refused(late), answer A refused(late), announce reloading, prepare
  loading, another by a signal | requested → loading 2 until 30 (A), then (Z): note another
  loading, another by a signal | signal → same: note another
  loading, another by a signal | ready → preparing (no client): adopt candidate as 2, announce ready, note serves, answer A serves 2, announce reloading, prepare
  loading, another by a signal | refused → preparing (no client): discard, announce ready, note refused(R), answer A refused(R), announce reloading, prepare
  loading, another by a signal | workerEnded → waiting (no client): discard, announce ready, note refused(died), answer A refused(died), note postponed
  loading, another by a signal | stop → stopping: discard, note refused(stops), answer A refused(stops)
  loading, another by a signal | timer → preparing (no client): discard, announce ready, note refused(late), answer A refused(late), announce reloading, prepare
  loading, hung | requested → loading 2 until 30 (A), then (Z): note another
  loading, hung | signal → loading 2 until 30 (A), then (no client): note another
  loading, hung | ready → idle: adopt candidate as 2, announce ready, note serves, answer A serves 2
  loading, hung | refused → idle: discard, announce ready, note refused(R), answer A refused(R)
  loading, hung | workerEnded → idle: discard, announce ready, note refused(died), answer A refused(died)
  loading, hung | stop → stopping: discard, note refused(stops), answer A refused(stops)
  loading, hung | timer → idle: discard, announce ready, note refused(late), answer A refused(late)
  loading, hung, another | requested → loading 2 until 30 (A), then (BZ): note another
  loading, hung, another | signal → same: note another
  loading, hung, another | ready → waiting (B): adopt candidate as 2, announce ready, note serves, answer A serves 2, note postponed
  loading, hung, another | refused → waiting (B): discard, announce ready, note refused(R), answer A refused(R), note postponed
  loading, hung, another | workerEnded → waiting (B): discard, announce ready, note refused(died), answer A refused(died), note postponed
  loading, hung, another | stop → stopping: discard, note refused(stops), answer AB refused(stops)
  loading, hung, another | timer → waiting (B): discard, announce ready, note refused(late), answer A refused(late), note postponed
  stopping | requested → same: note refused(stops), answer Z refused(stops)
  stopping | signal → same: note refused(stops)
  """

@Suite struct `A reload` {
  @Test func `is handled in each state as the table says`() {
    let now = stateTable(beginnings, events, state: { text($0.state) }) { machine, event in
      var second: UInt64 = 5
      if case .timer = event, let deadline = machine.deadline { second = deadline.milliseconds / 1000 }
      return machine.handle(event, at: at(second)).map(text)
    }
    #expect(now == table)
  }

  @Test func `is not refused before its time-out`() {
    var machine = machine(loading)
    #expect(machine.handle(.timer, at: at(29)).isEmpty)
    #expect(machine.handle(.timer, at: at(30)).isEmpty == false)
  }

  @Test func `is awaited by a bounded number of clients, which leaves connections of the control socket free`() {
    let limit = Machine.requesterLimit
    #expect(limit < OperatorSocket.connectionLimit)
    for history in [[], [.workerServes, .requested(by: nil), .prepared("C")]] as [[Machine.Event]] {
      var machine = machine(history)
      for index in 0..<2 * limit {
        let requester = Requester(key: SlabKey(index: UInt32(index), generation: 1))
        let refused = machine.handle(.requested(by: requester), at: at(1)).contains {
          guard case .answer([requester], .refused) = $0 else { return false }
          return true
        }
        #expect(refused == (index >= limit))
      }
      // A signal has no client that waits.
      #expect(!machine.handle(.requested(by: nil), at: at(1)).contains { text($0).contains("refused") })
    }
  }

  @Test func `loads a configuration newer than every request, and answers each request once`() {
    for seed in UInt64(1)...2000 {
      var simulation = ReloadSimulation(seed: seed)
      simulation.run()
      #expect(simulation.faults == [], "seed \(seed)")
    }
  }
}

/// Reloads requested by operators and signals, and a worker that behaves at random.
private struct ReloadSimulation {
  private var random: SeededGenerator
  private var machine = Machine()
  private var now = Instant(nanoseconds: 0)
  private var asked: Set<Requester> = []
  private var answered: Set<Requester> = []
  private var count: UInt32 = 0
  private var loading: UInt64?
  private var serving: UInt64 = 1
  /// The last request came after the file was read.
  private var isDue = false
  private var isStopped = false
  private(set) var faults: [String] = []

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func run() {
    let stops = random.next() % 2 == 0
    for _ in 0..<40 {
      now = now + .milliseconds(random.next() % 20_000)
      step()
    }
    if stops {
      isStopped = true
      send(.stop)
      send(.requested(by: ask()))
    } else {
      send(.workerServes)
      while let loading {
        send(random.next() % 2 == 0 ? .ready(number: loading) : .workerEnded); send(.workerServes)
      }
    }
    if asked != answered { faults.append("\(asked.count - answered.count) wait for ever") }
    if !stops, isDue { faults.append("the file was not read again") }
  }

  private mutating func step() {
    switch random.next() % 9 {
    case 0, 1:
      isDue = true
      send(.requested(by: ask()))
    case 2:
      isDue = true
      send(.requested(by: nil))
    case 3: send(.workerServes)
    case 4: send(.workerUnavailable)
    case 5: send(.workerEnded)
    case 6: send(.timer)
    case 7: send(.ready(number: loading ?? serving))
    default: send(.refused(number: loading ?? serving, reason: "R"))
    }
  }

  private mutating func ask() -> Requester {
    count += 1
    let requester = Requester(key: SlabKey(index: count, generation: 1))
    asked.insert(requester)
    return requester
  }

  private mutating func send(_ event: Machine.Event) {
    let effects = machine.handle(event, at: now)
    for (index, effect) in effects.enumerated() {
      switch effect {
      case .prepare:
        if index != effects.count - 1 { faults.append("something comes after what is answered at once") }
        if loading != nil { faults.append("two at a time") }
        isDue = false
        send(random.next() % 3 == 0 ? .unprepared(ReloadRefusal(["U"])) : .prepared("C"))
      case .load(_, let number):
        if number <= serving { faults.append("an old number") }
        loading = number
      case .discard: loading = nil
      case .adopt(_, let number):
        if number != loading { faults.append("took over what was not loaded") }
        serving = number
        loading = nil
      case .answer(let requesters, _):
        for requester in requesters where !answered.insert(requester).inserted { faults.append("answered twice") }
      case .announceReloading, .announceReady, .note: break
      }
    }
    if (loading != nil) != (machine.deadline != nil) { faults.append("a deadline without a load, or the reverse") }
    if isStopped, asked != answered { faults.append("a client waits after the stop") }
  }
}
