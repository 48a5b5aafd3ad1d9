import Testing

@testable import Apply

/// Nodes that do what they are asked, except where a test says otherwise. The last one is the requester's own.
private struct Nodes {
  typealias Machine = RequesterStateMachine

  let names: [String]
  var active = "lb1"
  /// By what is asked: `lb2 takeOver`.
  var events: [String: Machine.Event] = [:]
  /// Interrupted after this.
  var interruption: String?
  private(set) var asked: [String] = []

  init(_ names: String...) { self.names = names }

  mutating func run(isTrial: Bool = false) -> Machine.Outcome {
    var machine = Machine(nodes: names.count, isTrial: isTrial)
    var effect = machine.handle(.start)
    while true {
      let (step, usual): (String, Machine.Event)
      switch effect {
      case .check(let node):
        (step, usual) = ("\(names[node]) check", .answer(.checked(isActive: names[node] == active, warnings: [])))
      case .ask(let node, let request):
        let answer: ApplyAnswer =
          switch request {
          case .takeOver: .tookOver(configuration: 2, warnings: [])
          case .confirm: .confirmed
          case .putBack: .restored
          default: .ready
          }
        (step, usual) = ("\(names[node]) \(request)", .answer(answer))
      case .probe(let node): (step, usual) = ("\(names[node]) probe", .probed(failure: nil))
      case .finish(let outcome): return outcome
      }
      asked.append(step)
      if step == interruption { machine.interrupt() }
      effect = machine.handle(events[step] ?? usual)
    }
  }
}

@Suite struct `Configuration for all nodes` {
  private static let applied = [
    "lb2 check", "lb1 check", "lb2 takeOver", "lb2 probe", "lb2 hold", "lb1 hold", "lb1 takeOver", "lb1 probe",
    "lb2 confirm", "lb1 confirm",
  ]

  @Test func `the Backup takes over first, and all confirm at the end`() {
    var nodes = Nodes("lb2", "lb1")
    #expect(nodes.run() == .applied)
    #expect(nodes.asked == Self.applied)
  }

  @Test func `the own node is first where the other one is Active`() {
    var nodes = Nodes("lb1", "lb2")
    #expect(nodes.run() == .applied)
    #expect(nodes.asked.filter { $0.hasSuffix("takeOver") } == ["lb2 takeOver", "lb1 takeOver"])
  }

  @Test func `a trial checks all nodes and changes nothing`() {
    var nodes = Nodes("lb2", "lb1")
    #expect(nodes.run(isTrial: true) == .checked)
    #expect(nodes.asked == ["lb2 check", "lb1 check"])
  }

  @Test func `a configuration that one node refuses changes nothing, and all reasons are known`() {
    var nodes = Nodes("lb2", "lb1")
    nodes.events = ["lb2 check": .lost("away"), "lb1 check": .answer(.refused(["bad", "worse"]))]
    let expected = [
      RequesterStateMachine.Failure(node: 0, reasons: ["away"]),
      RequesterStateMachine.Failure(node: 1, reasons: ["bad", "worse"]),
    ]
    #expect(nodes.run() == .refused(expected))
    #expect(nodes.asked == ["lb2 check", "lb1 check"])
  }

  /// What fails, and which nodes put the old files back.
  private static let failures: [(step: String, event: RequesterStateMachine.Event, putBack: [String])] = [
    ("lb2 takeOver", .answer(.refused(["no"])), []),
    ("lb2 takeOver", .lost("no"), ["lb2"]),
    ("lb2 probe", .probed(failure: "no"), ["lb2"]),
    ("lb2 hold", .answer(.refused(["no"])), ["lb2"]),
    ("lb1 takeOver", .answer(.refused(["no"])), ["lb2"]),
    ("lb1 probe", .probed(failure: "no"), ["lb1", "lb2"]),
  ]

  @Test(arguments: failures)
  func `a failure puts all back, in reverse order`(
    step: String, event: RequesterStateMachine.Event, putBack: [String]
  ) {
    var nodes = Nodes("lb2", "lb1")
    nodes.events = [step: event]
    let node = step.hasPrefix("lb2") ? 0 : 1
    #expect(nodes.run() == .failed(.init(node: node, reasons: ["no"]), unrestored: []))
    #expect(nodes.asked.filter { $0.hasSuffix("putBack") } == putBack.map { "\($0) putBack" })
    #expect(!nodes.asked.contains { $0.hasSuffix("confirm") })
  }

  @Test func `a node that can't put the old files back is named, and the others still do`() {
    var nodes = Nodes("lb3", "lb2", "lb1")
    nodes.events = ["lb1 probe": .probed(failure: "no"), "lb2 putBack": .lost("away")]
    #expect(
      nodes.run()
        == .failed(.init(node: 2, reasons: ["no"]), unrestored: [.init(node: 1, reasons: ["away"])]))
    #expect(nodes.asked.suffix(3) == ["lb1 putBack", "lb2 putBack", "lb3 putBack"])
  }

  @Test func `a node that does not confirm is named`() {
    var nodes = Nodes("lb2", "lb1")
    nodes.events = ["lb2 confirm": .lost("away")]
    #expect(nodes.run() == .unconfirmed([.init(node: 0, reasons: ["away"])]))
    #expect(nodes.asked == Self.applied)
  }

  @Test(arguments: ["lb2 takeOver", "lb2 probe", "lb1 probe"])
  func `an interruption puts all back`(step: String) {
    var nodes = Nodes("lb2", "lb1")
    nodes.interruption = step
    guard case .failed(let failure, unrestored: []) = nodes.run() else {
      Issue.record("it went on")
      return
    }
    #expect(failure.reasons == ["interrupted"])
    #expect(nodes.asked.last == "lb2 putBack")
  }

  @Test func `a change that is being confirmed is not interrupted`() {
    var nodes = Nodes("lb2", "lb1")
    nodes.interruption = "lb2 confirm"
    #expect(nodes.run() == .applied)
  }

  @Test func `the own node alone needs no other`() {
    var nodes = Nodes("lb1")
    #expect(nodes.run() == .applied)
    #expect(nodes.asked == ["lb1 check", "lb1 takeOver", "lb1 probe", "lb1 confirm"])
  }
}
