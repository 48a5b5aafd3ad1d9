import Simulation
import Testing
import Wire

@testable import Apply

/// A receiver whose work succeeds unless it is told otherwise, in virtual time.
struct SimulatedReceiver {
  var machine: ReceiverStateMachine
  var now = Instant(nanoseconds: 1_000_000_000)
  /// What the work answers instead.
  var failure: ApplyAnswer?
  private(set) var done: [String] = []
  private(set) var hasEnded = false

  init() { machine = ReceiverStateMachine(at: now) }

  /// Returns the answers.
  @discardableResult
  mutating func handle(_ event: ReceiverStateMachine.Event) -> [ApplyAnswer] {
    var answers: [ApplyAnswer] = []
    var effects = machine.handle(event, at: now)[...]
    while let effect = effects.popFirst() {
      switch effect {
      case .perform(let work): effects += machine.handle(.performed(answer(to: work)), at: now)
      case .answer(let answer): answers.append(answer)
      case .forget: done.append("forget")
      case .disconnect: done.append("disconnect")
      case .end: hasEnded = true
      }
    }
    return answers
  }

  mutating func ask(_ request: ApplyRequest) -> ApplyAnswer? { handle(.request(request)).first }

  /// Lets the time of the next deadline come.
  mutating func wait() {
    now = machine.deadline ?? now
    handle(.timer)
  }

  private mutating func answer(to work: ReceiverStateMachine.Work) -> ApplyAnswer {
    let (word, answer): (String, ApplyAnswer) =
      switch work {
      case .check: ("check", .checked(isActive: false, warnings: []))
      case .takeOver: ("take over", .tookOver(configuration: 2, warnings: []))
      case .keep: ("keep", .confirmed)
      case .putBack: ("put back", .restored)
      }
    done.append(word)
    return failure ?? answer
  }

  /// With a change that was taken over.
  static func unconfirmed() -> SimulatedReceiver {
    var receiver = checked()
    #expect(receiver.ask(.takeOver) == .tookOver(configuration: 2, warnings: []))
    return receiver
  }

  static func checked() -> SimulatedReceiver {
    var receiver = SimulatedReceiver()
    for request: ApplyRequest in [.begin(change: 1, node: "lb2"), .configuration([])] {
      #expect(receiver.ask(request) == .ready)
    }
    #expect(receiver.ask(.check) == .checked(isActive: false, warnings: []))
    return receiver
  }
}

@Suite struct `Receiver of a configuration` {
  @Test func `a change is checked, taken over and confirmed`() {
    var receiver = SimulatedReceiver.unconfirmed()
    #expect(receiver.ask(.confirm) == .confirmed)
    #expect(receiver.done == ["check", "take over", "keep", "forget"])
  }

  @Test func `what is not confirmed in time is put back`() {
    var receiver = SimulatedReceiver.unconfirmed()
    receiver.now = receiver.now + ReceiverStateMachine.confirmTimeout - Interval(nanoseconds: 1)
    receiver.handle(.timer)
    #expect(receiver.done.last == "take over")
    receiver.now = receiver.now + Interval(nanoseconds: 1)
    receiver.handle(.timer)
    #expect(receiver.done.suffix(2) == ["put back", "forget"])
  }

  @Test func `a requester that is at work elsewhere keeps the change waiting`() {
    var receiver = SimulatedReceiver.unconfirmed()
    for _ in 0..<5 {
      receiver.now = receiver.now + .minutes(2)
      #expect(receiver.ask(.hold) == .ready)
      receiver.handle(.timer)
    }
    #expect(receiver.ask(.confirm) == .confirmed)
  }

  @Test func `a change whose connection ends is put back`() {
    var receiver = SimulatedReceiver.unconfirmed()
    receiver.handle(.disconnected)
    #expect(receiver.machine.deadline == receiver.now + ReceiverStateMachine.resumeTimeout)
    receiver.wait()
    #expect(receiver.done.suffix(2) == ["put back", "forget"])
  }

  @Test func `a change goes on with another connection`() {
    var receiver = SimulatedReceiver.unconfirmed()
    receiver.handle(.disconnected)
    #expect(receiver.ask(.begin(change: 1, node: "lb2")) == .tookOver(configuration: 2, warnings: []))
    #expect(receiver.ask(.confirm) == .confirmed)
    receiver.handle(.disconnected)
    // Its answer may have been lost.
    #expect(receiver.ask(.begin(change: 1, node: "lb2")) == .confirmed)
  }

  @Test func `another change waits until the one before is confirmed or put back`() {
    var receiver = SimulatedReceiver.unconfirmed()
    receiver.handle(.disconnected)
    guard case .refused = receiver.ask(.begin(change: 2, node: "lb2")) else {
      Issue.record("it was accepted")
      return
    }
    receiver.handle(.disconnected)
    receiver.wait()
    #expect(receiver.ask(.begin(change: 2, node: "lb2")) == .ready)
  }

  @Test func `a refused configuration is forgotten, and its reasons are known to the same change`() {
    var receiver = SimulatedReceiver.checked()
    receiver.failure = .refused(["no server is up"])
    #expect(receiver.ask(.takeOver) == .refused(["no server is up"]))
    receiver.handle(.disconnected)
    #expect(receiver.ask(.begin(change: 1, node: "lb2")) == .refused(["no server is up"]))
    #expect(receiver.machine.deadline != nil)
  }

  @Test func `nothing is changed before a check has succeeded`() {
    var receiver = SimulatedReceiver()
    #expect(receiver.ask(.begin(change: 1, node: "lb2")) == .ready)
    for request: ApplyRequest in [.takeOver, .confirm, .check, .hold] {
      #expect(receiver.ask(request) == .refused(["the request is out of place"]))
    }
    var refused = SimulatedReceiver()
    refused.failure = .refused(["bad"])
    _ = refused.ask(.begin(change: 1, node: "lb2"))
    _ = refused.ask(.configuration([]))
    #expect(refused.ask(.check) == .refused(["bad"]))
    #expect(refused.ask(.takeOver) == .refused(["the request is out of place"]))
    #expect(refused.done == ["check", "forget"])
  }

  @Test func `a stop puts an unconfirmed change back, and ends the process`() {
    var receiver = SimulatedReceiver.unconfirmed()
    receiver.handle(.stop)
    #expect(receiver.done.suffix(2) == ["put back", "forget"])
    #expect(receiver.hasEnded)
    var idle = SimulatedReceiver()
    idle.handle(.stop)
    #expect(idle.hasEnded)
  }

  @Test func `a receiver without a connection ends`() {
    var receiver = SimulatedReceiver()
    receiver.wait()
    #expect(receiver.hasEnded)
  }

  @Test func `after any events an unconfirmed change ends within its time`() {
    for seed in 0..<UInt64(Scale.count(200)) {
      var generator = SeededGenerator(seed: seed)
      var receiver = SimulatedReceiver()
      let requests: [ApplyRequest] = [
        .begin(change: 1, node: "lb2"), .begin(change: 2, node: "lb2"), .configuration([]), .check, .takeOver, .hold,
        .confirm, .putBack,
      ]
      for _ in 0..<60 where !receiver.hasEnded {
        switch UInt8.random(in: 0..<10, using: &generator) {
        case 0: receiver.handle(.disconnected)
        case 1: receiver.wait()
        case 2: receiver.failure = receiver.failure == nil ? .refused(["no"]) : nil
        default:
          if let request = requests.randomElement(using: &generator) { _ = receiver.ask(request) }
        }
        receiver.now = receiver.now + .seconds(UInt64.random(in: 0..<20, using: &generator))
      }
      receiver.failure = nil
      receiver.handle(.disconnected)
      for _ in 0..<3 where !receiver.hasEnded { receiver.wait() }
      #expect(receiver.hasEnded, "seed \(seed)")
      let changes = receiver.done.filter { ["take over", "keep", "put back"].contains($0) }
      // Each change that was taken over is kept or put back before the next one; one that failed is not.
      for (first, second) in zip(changes, changes.dropFirst()) where second != "take over" {
        #expect(first == "take over", "seed \(seed): \(changes)")
      }
    }
  }
}
