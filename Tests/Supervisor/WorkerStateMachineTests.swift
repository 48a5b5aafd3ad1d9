import Linux
import Simulation
import Testing
import Wire

@testable import Supervisor

private typealias State = WorkerStateMachine.State
private typealias Event = WorkerStateMachine.Event
private typealias Effect = WorkerStateMachine.Effect

private let limits: WorkerLimits = {
  var limits = WorkerLimits(stop: .seconds(10))
  limits.start = .seconds(30)
  limits.grace = .seconds(2)
  return limits
}()

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

/// A state machine in a state, and the time when it entered it.
private func life(_ history: [(UInt64, Event)]) -> WorkerStateMachine {
  var life = WorkerStateMachine(limits: limits)
  for (second, event) in history { _ = life.handle(event, at: at(second)) }
  return life
}

private let begun: [(UInt64, Event)] = [(0, .begin)]
private let served = begun + [(1, .ready)]
/// One sequence of events for each state, and the second in which it is reached.
private let histories: [(name: String, events: [(UInt64, Event)], second: UInt64)] = [
  ("idle", [], 0),
  ("starting, first", begun, 1),
  ("starting again", served + [(2, .exited(.killed(signal: 11)))], 3),
  ("serving", served, 2),
  ("refused, first", begun + [(1, .refused(reason: "R"))], 1),
  ("refused later", served + [(2, .exited(.killed(signal: 11))), (3, .refused(reason: "R"))], 3),
  ("unlinked", served + [(2, .unlinked)], 3),
  ("killed", served + [(2, .stalled(loop: 0))], 3),
  ("waiting", served + (2...5).flatMap { [($0, .exited(.killed(signal: 11))), ($0, .ready)] }, 5),
  ("stopping", served + [(2, .terminate)], 3),
  ("stopping, cut", served + [(2, .terminate), (3, .terminate)], 4),
  ("finished", served + [(2, .terminate), (3, .exited(.killed(signal: 11)))], 4),
]

private let events: [Event] = [
  .begin, .spawnFailed(reason: "S"), .ready, .refused(reason: "R"), .unlinked, .faulty(reason: "F"), .stalled(loop: 1),
  .exited(.killed(signal: 11)), .terminate, .timer,
]

private func text(_ state: State) -> String {
  func seconds(_ instant: Instant) -> String {
    let fraction = String(1000 + instant.milliseconds % 1000).dropFirst()
    return "\(instant.milliseconds / 1000)" + (fraction == "000" ? "" : "." + fraction)
  }
  return switch state {
  case .idle: "idle"
  case .starting(let deadline): "starting until \(seconds(deadline))"
  case .serving: "serving"
  case .ending(.refused, let deadline): "refused until \(seconds(deadline))"
  case .ending(.unlinked, let deadline): "unlinked until \(seconds(deadline))"
  case .ending(.killed, let deadline): "killed until \(seconds(deadline))"
  case .waiting(let until): "waiting until \(seconds(until))"
  case .stopping(let deadline, killed: false): "stopping until \(seconds(deadline))"
  case .stopping(_, killed: true): "stopping, cut"
  case .finished: "finished"
  }
}

private func text(_ effect: Effect) -> String {
  switch effect {
  case .note(let note): "note \(String(describing: note).prefix { $0.isLetter })"
  case .stop: "stop"
  case .finish(let status): "finish(\(status))"
  default: "\(effect)"
  }
}

/// Every state crossed with every event; pairs without any effect are omitted. A timer fires at the
/// state's deadline.
private let table = """
  idle | begin → starting until 30: start
  starting, first | spawnFailed → finished: note spawnFailed, note neverReady, finish(1)
  starting, first | ready → serving: note ready, announceReady
  starting, first | refused → refused until 3
  starting, first | unlinked → unlinked until 3
  starting, first | faulty → killed until 3: note faulty, kill
  starting, first | exited → finished: note died, note neverReady, finish(1)
  starting, first | terminate → stopping, cut: announceStopping, kill
  starting, first | timer → killed until 32: note startedTooSlowly, kill
  starting again | spawnFailed → starting until 33: note spawnFailed, start
  starting again | ready → serving: note ready
  starting again | refused → refused until 5
  starting again | unlinked → unlinked until 5
  starting again | faulty → killed until 5: note faulty, kill
  starting again | exited → starting until 33: note died, start
  starting again | terminate → stopping, cut: announceStopping, kill
  starting again | timer → killed until 34: note startedTooSlowly, kill
  serving | ready → killed until 4: note faulty, kill
  serving | refused → killed until 4: note faulty, kill
  serving | unlinked → unlinked until 4
  serving | faulty → killed until 4: note faulty, kill
  serving | stalled → killed until 4: note stalled, kill
  serving | exited → starting until 32: note died, start
  serving | terminate → stopping until 14: announceStopping, note stopping, stop
  refused, first | exited → finished: note refused, note neverReady, finish(1)
  refused, first | terminate → stopping, cut: announceStopping, kill
  refused, first | timer → killed until 5: note lingers, kill
  refused later | exited → starting until 33: note refused, start
  refused later | terminate → stopping, cut: announceStopping, kill
  refused later | timer → killed until 7: note lingers, kill
  unlinked | exited → starting until 33: note died, start
  unlinked | terminate → stopping, cut: announceStopping, kill
  unlinked | timer → killed until 6: note lingers, kill
  killed | exited → starting until 33: note died, start
  killed | terminate → stopping, cut: announceStopping, kill
  waiting | terminate → finished: announceStopping, finish(0)
  waiting | timer → starting until 35.050: start
  stopping | faulty → stopping, cut: note stopCut, kill
  stopping | stalled → stopping, cut: note stopCut, kill
  stopping | exited → finished: note diedStopping, finish(1)
  stopping | terminate → stopping, cut: note stopCut, kill
  stopping | timer → stopping, cut: note stopCut, kill
  stopping, cut | exited → finished: note stopped, finish(0)
  """

@Suite struct `The worker's state machine` {
  @Test func `each state answers each event as the table says`() {
    let beginnings = histories.map { ($0.name, (life: life($0.events), second: $0.second)) }
    let named = events.map { (String(String(describing: $0).prefix { $0.isLetter }), $0) }
    let now = stateTable(beginnings, named, state: { text($0.life.state) }) { machine, event in
      let due = event == .timer ? machine.life.deadline : nil
      return machine.life.handle(event, at: due ?? at(machine.second)).map(text)
    }
    #expect(now == table)
  }

  @Test func `a worker that dies rarely is replaced at once, one that dies repeatedly with growing delays`() {
    var life = life(served)
    var now = at(10)
    var delays: [UInt64] = []
    for _ in 0..<10 {
      _ = life.handle(.exited(.killed(signal: 11)), at: now)
      if case .waiting(let until) = life.state {
        delays.append((until - now).milliseconds)
        now = until
        #expect(life.handle(.timer, at: now) == [.start])
      } else {
        delays.append(0)
      }
      _ = life.handle(.ready, at: now)
    }
    #expect(delays == [0, 0, 0, 50, 100, 200, 400, 800, 1000, 1000])
    // Deaths are forgotten after a while.
    _ = life.handle(.exited(.killed(signal: 11)), at: now + limits.deathWindow + .seconds(2))
    #expect(life.state == .starting(deadline: now + limits.deathWindow + .seconds(2) + limits.start))
  }

  @Test func `a stop succeeds if the worker exited with 0 or had to be killed`() {
    for (history, end, status) in [
      ([], .exited(status: 0), 0), ([], .exited(status: 1), 1), ([], .killed(signal: 11), 1),
      ([(3, .terminate)], .killed(signal: 9), 0),
    ] as [([(UInt64, Event)], ProcessEnd, Int32)] {
      var life = life(served + [(2, .terminate)] + history)
      #expect(life.handle(.exited(end), at: at(4)).last == .finish(status: status))
    }
  }

  @Test func `a worker that survives SIGKILL makes the service unhealthy`() {
    let life = life(served + [(2, .stalled(loop: 0))])
    #expect(life.isHealthy(at: at(3)))
    #expect(!life.isHealthy(at: at(4)))
  }

  @Test func `whatever happens, at most one worker runs, a missing one is started, and a stop ends`() {
    for seed in UInt64(1)...1000 {
      var simulation = WorkerSimulation(seed: seed)
      simulation.run()
      #expect(simulation.faults == [], "seed \(seed)")
    }
  }
}

/// The supervisor's decisions with workers that misbehave at random, in virtual time.
private struct WorkerSimulation {
  private enum Worker { case none, starting, serving, ending, stuck }

  private var random: SeededGenerator
  private var life = WorkerStateMachine(limits: limits)
  private var now = Instant(nanoseconds: 0)
  private var worker = Worker.none
  /// The worker's next event, and its time.
  private var next: (event: Event, at: Instant)?
  private var terminateAt: Instant
  private var terminated: Instant?
  private var served = false
  private var finished: Int32?
  /// Since when there has been no worker and no attempt to start one.
  private var workerless: Instant?
  private(set) var faults: [String] = []

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    terminateAt = at(random.next() % 200)
  }

  mutating func run() {
    send(.begin)
    var steps = 0
    while finished == nil, steps < 10_000 {
      steps += 1
      let due = [next?.at, life.deadline, terminated == nil ? terminateAt : nil].compactMap { $0 }.min()
      guard let due else { return faults.append("nothing will ever happen again in \(life.state)") }
      now = max(now, due)
      if terminated == nil, now >= terminateAt {
        terminated = now
        send(.terminate)
      } else if let next, now >= next.at {
        self.next = nil
        happen(next.event)
      } else {
        send(.timer)
      }
      check()
    }
    if finished == nil { faults.append("no end") }
    if let terminated, now > terminated + limits.stop + limits.grace + .seconds(1) { faults.append("a late end") }
    if finished == 1, served { faults.append("gave up though it had served") }
    if finished == 0, terminated == nil { faults.append("ended unasked") }
    if worker != .none, finished != nil { faults.append("left a worker behind") }
  }

  private mutating func check() {
    if worker != .none || finished != nil { workerless = nil } else if workerless == nil { workerless = now }
    if let workerless, now - workerless > limits.longestDelay { faults.append("no worker for too long") }
  }

  private mutating func happen(_ event: Event) {
    switch event {
    case .exited: worker = .none
    case .ready:
      worker = .serving
      served = true
      plan()
    case .refused, .unlinked:
      worker = .ending
      // Most exit by themselves, some have to be killed.
      if random.next() % 4 > 0 { next = (.exited(.killed(signal: 11)), now + .milliseconds(random.next() % 100)) }
    default: worker = .stuck
    }
    send(event)
  }

  /// Decides what a worker does next.
  private mutating func plan() {
    let soon = now + .milliseconds(random.next() % 20_000)
    switch (worker, random.next() % 8) {
    case (.starting, 0): next = (.refused(reason: "R"), now + .milliseconds(15))
    case (.starting, 1): next = (.exited(.killed(signal: 11)), now + .milliseconds(5))
    case (.starting, 2): next = nil
    case (.starting, _): next = (.ready, now + .milliseconds(15))
    case (_, 0): next = (.stalled(loop: 0), soon)
    case (_, 1): next = (.unlinked, soon)
    case (_, 2): next = (.faulty(reason: "F"), soon)
    case (_, _): next = (.exited(.killed(signal: 11)), soon)
    }
  }

  private mutating func send(_ event: Event) {
    for effect in life.handle(event, at: now) {
      switch effect {
      case .start:
        if worker != .none { faults.append("a second worker") }
        workerless = nil
        if random.next() % 10 == 0 {
          send(.spawnFailed(reason: "S"))
        } else {
          worker = .starting
          plan()
        }
      case .stop:
        // It may finish in time, late, or never.
        next = random.next() % 3 == 0 ? nil : (.exited(.exited(status: 0)), now + .milliseconds(random.next() % 20_000))
      case .kill:
        if worker == .none { faults.append("a signal without a worker") }
        next = (.exited(.killed(signal: 9)), now + .milliseconds(random.next() % 50))
      case .finish(let status): finished = status
      case .announceReady, .announceStopping, .note: break
      }
    }
  }
}
