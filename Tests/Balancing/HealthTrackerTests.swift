import Balancing
import Testing

@Suite struct HealthTrackerTests {
  /// One letter a check: `+` passed, `5` is 503, `-` failed.
  func result(_ letter: Character) -> CheckResult {
    switch letter {
    case "+": .passed
    case "5": .disabled
    default: .failed(.refused)
    }
  }

  func letter(_ state: ServerState) -> Character {
    switch state {
    case .up: "U"
    case .drain: "R"
    case .down: "D"
    case .maintenance: "M"
    }
  }

  // Rise 2, fall 3. Below: U up, R drain, D down, one letter after each check; then whether to check again soon.
  @Test(arguments: [
    ("+", "U", "."),
    ("-", "D", "."),
    ("5", "R", "."),
    ("+--", "UUU", ".!!"),
    ("+---", "UUUD", ".!!."),
    ("+--+--+", "UUUUUUU", ".!!.!!."),
    ("+--5--+", "UUURRRR", ".!!.!!!"),
    ("-+", "DD", ".!"),
    ("-++", "DDU", ".!."),
    ("-+-+-", "DDDDD", ".!.!."),
    ("-----+-+", "DDDDDDDD", ".....!.!"),
    ("+5", "UR", ".."),
    ("+5++", "URRU", "..!."),
    ("+5+5+5", "URRRRR", "..!.!."),
    ("5---", "RRRD", ".!!."),
    ("5--+--", "RRRRRR", ".!!!!!"),
    ("-5", "DR", ".."),
    ("-+5", "DDR", ".!."),
    ("5-5--", "RRRRR", ".!.!!"),
  ])
  func `the first check decides alone, then rise and fall count, and 503 drains at once`(
    checks: String, states: String, doubts: String
  ) {
    var tracker = HealthTracker(rise: 2, fall: 3)
    #expect(tracker.state == .down && tracker.isInDoubt)
    var seen = ""
    var soon = ""
    var last: ServerState?
    for check in checks {
      let transition = tracker.record(result(check))
      #expect((transition != nil) == (tracker.state != last))
      #expect(transition?.from == (transition == nil ? nil : last))
      #expect(transition.map { $0.to } ?? tracker.state == tracker.state)
      last = tracker.state
      seen.append(letter(tracker.state))
      soon.append(tracker.isInDoubt ? "!" : ".")
    }
    #expect(seen == states)
    #expect(soon == doubts)
  }

  @Test func `a transition says in one line what happened and why`() {
    var tracker = HealthTracker(rise: 2, fall: 2)
    var lines: [String] = []
    let results: [CheckResult] = [
      .passed, .failed(.status(500)), .failed(.timeout(stage: .answer)), .passed, .passed, .disabled,
    ]
    for result in results {
      if let transition = tracker.record(result) { lines.append(transition.description) }
    }
    if let transition = tracker.set(.maintenance) { lines.append(transition.description) }
    #expect(
      lines == [
        "up: health check passed",
        "down, was up: 2 health checks in a row failed, the last one: no complete answer within the time-out",
        "up, was down: 2 health checks in a row passed",
        "drain, was up: health check answered 503, the server is administratively disabled",
        "maintenance, was drain: administratively",
      ])
  }

  // Fall 2. `r` refused, `4` is 404, `c` another certificate, `+` passed: whether the server is silent after each.
  @Test(arguments: [
    ("+rr", "..S"), ("rr", ".S"), ("+44", "..."), ("+cc", "..."), ("+4r", "..."), ("+4rr", "...S"), ("+44rr", "....S"),
    ("+rr4", "..S."), ("+rr+", "..S."), ("+rr4rr", "..S..S"),
  ])
  func `a server is silent when it is down and gave no answer that often in a row`(checks: String, silent: String) {
    var tracker = HealthTracker(rise: 2, fall: 2)
    var seen = ""
    for check in checks {
      switch check {
      case "4": _ = tracker.record(.failed(.status(404)))
      case "c": _ = tracker.record(.failed(.certificate))
      default: _ = tracker.record(result(check))
      }
      seen.append(tracker.isSilent ? "S" : ".")
    }
    #expect(seen == silent)
  }

  @Test(arguments: ["?", "+?r", "+?r?r", "?+r?r?r?+?+", "+?5?+?+", "rr?rr"])
  func `a check that could not be made counts neither way`(checks: String) {
    var tracker = HealthTracker(rise: 2, fall: 2)
    var without = tracker
    for check in checks {
      guard check != "?" else {
        #expect(tracker.record(.inconclusive) == nil)
        continue
      }
      #expect(tracker.record(result(check)) == without.record(result(check)))
      #expect(tracker.state == without.state && tracker.isInDoubt == without.isInDoubt)
      #expect(tracker.isKnown == without.isKnown && tracker.isSilent == without.isSilent)
    }
  }

  @Test func `that a server is down for worse than a wrong answer is told, once`() {
    var tracker = HealthTracker(rise: 1, fall: 2)
    let results: [CheckResult] = [
      .passed, .failed(.status(404)), .failed(.status(404)), .failed(.refused), .failed(.refused), .failed(.refused),
    ]
    #expect(
      results.compactMap { tracker.record($0)?.description } == [
        "up: health check passed",
        "down, was up: 2 health checks in a row failed, the last one: status 404",
        "still down: 2 health checks in a row failed, the last one: connection refused",
      ])
  }

  @Test(
    arguments: [
      ("+", .drain, .drain), ("-", .drain, .down), ("5", .drain, .drain), ("+", .maintenance, .maintenance),
      ("-", .maintenance, .maintenance),
    ] as [(String, HealthTracker.AdminState, ServerState)])
  func `an order lowers what the checks say, and taking it back restores that`(
    check: String, order: HealthTracker.AdminState, state: ServerState
  ) {
    var tracker = HealthTracker(rise: 1, fall: 1)
    for letter in check { _ = tracker.record(result(letter)) }
    let before = tracker.state
    _ = tracker.set(order)
    #expect(tracker.state == state)
    _ = tracker.set(nil)
    #expect(tracker.state == before)
  }

  @Test func `checks go on under an order and tell only what it does not hide`() {
    var tracker = HealthTracker(rise: 1, fall: 1)
    _ = tracker.set(.maintenance)
    #expect(tracker.record(.passed) == nil)
    #expect(tracker.record(.failed(.refused)) == nil)
    let transition = tracker.set(nil)
    #expect(transition == Transition(from: .maintenance, to: .down, reason: .checksFailed(1, last: .refused)))
  }

  @Test func `maintenance is known before the first check, and what is behind it is not`() {
    var tracker = HealthTracker(rise: 2, fall: 2)
    #expect(tracker.set(.maintenance) == Transition(from: nil, to: .maintenance, reason: .administrative))
    #expect(tracker.isKnown)
    #expect(tracker.set(nil) == Transition(from: .maintenance, to: .down, reason: .unchecked))
    #expect(!tracker.isKnown)
    #expect(tracker.record(.passed) == Transition(from: nil, to: .up, reason: .checksPassed(1)))
  }

  @Test func `under drain the first check decides between drain and down`() {
    for (result, state, reason) in [
      (.passed, .drain, .administrative), (.disabled, .drain, .disabled),
      (.failed(.refused), .down, .checksFailed(1, last: .refused)),
    ] as [(CheckResult, ServerState, Transition.Reason)] {
      var tracker = HealthTracker(rise: 2, fall: 2)
      #expect(tracker.set(.drain) == nil)
      #expect(tracker.record(result) == Transition(from: nil, to: state, reason: reason))
    }
  }

  @Test func `what keeps a server in drain is told when it is another`() {
    var tracker = HealthTracker(rise: 1, fall: 1)
    _ = tracker.record(.disabled)
    #expect(tracker.set(.drain) == nil)
    let ordered = tracker.record(.passed)
    #expect(ordered?.description == "still drain: administratively")
    let disabled = tracker.record(.disabled)
    #expect(disabled?.description == "still drain: health check answered 503, the server is administratively disabled")
    #expect(tracker.set(nil) == nil)
    #expect(tracker.record(.passed) == Transition(from: .drain, to: .up, reason: .checksPassed(1)))
  }

  @Test func `an order that is given again, and one that is taken back, say what holds`() {
    var tracker = HealthTracker(rise: 1, fall: 1)
    _ = tracker.record(.passed)
    #expect(tracker.set(.drain) == Transition(from: .up, to: .drain, reason: .administrative))
    #expect(tracker.set(.drain) == nil)
    #expect(tracker.set(.maintenance) == Transition(from: .drain, to: .maintenance, reason: .administrative))
    #expect(tracker.set(nil) == Transition(from: .maintenance, to: .up, reason: .checksPassed(1)))
  }
}
