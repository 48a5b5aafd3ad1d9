import Balancing
import Domain
import Testing
import Wire

@Suite struct HealthTrackerTests {
  let now = Instant(nanoseconds: 1_000_000_000_000)

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
  func `the first check decides alone, later ones by rise and fall, and 503 drains at once`(
    checks: String, states: String, doubts: String
  ) {
    var tracker = HealthTracker(rise: 2, fall: 3, lossTime: .zero)
    #expect(tracker.state == .down && tracker.urgency == .doubt)
    var seen = ""
    var soon = ""
    var last: ServerState?
    for check in checks {
      let transition = tracker.record(result(check), began: now, at: now)
      #expect((transition != nil) == (tracker.state != last))
      #expect(transition?.from == (transition == nil ? nil : last))
      #expect(transition.map { $0.to } ?? tracker.state == tracker.state)
      last = tracker.state
      seen.append(letter(tracker.state))
      soon.append(tracker.urgency == .doubt ? "!" : ".")
    }
    #expect(seen == states)
    #expect(soon == doubts)
  }

  // Rise 2, fall 3, as above. What is missing for another state after each check: `1/2`, or `-` when the state is
  // confirmed.
  @Test(arguments: [
    ("+++", "- - -"), ("+-+", "- 1/3 -"), ("+---", "- 1/3 2/3 -"), ("-+-++", "- 1/2 - 1/2 -"), ("+5-+", "- - 1/3 1/2"),
    ("5+5", "- 1/2 -"),
  ])
  func `consecutive results that contradict the state are counted`(checks: String, pending: String) {
    var tracker = HealthTracker(rise: 2, fall: 3, lossTime: .zero)
    let seen = checks.map { check in
      _ = tracker.record(result(check), began: now, at: now)
      return tracker.pending.map { "\($0.count)/\($0.needed)" } ?? "-"
    }
    #expect(seen.joined(separator: " ") == pending)
  }

  @Test func `a transition is one line with the states and the reason`() {
    var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .zero)
    var lines: [String] = []
    let results: [CheckResult] = [
      .passed, .failed(.status(500)), .failed(.timeout(stage: .answer)), .passed, .passed, .disabled,
    ]
    for result in results {
      if let transition = tracker.record(result, began: now, at: now) { lines.append(transition.description) }
    }
    if let transition = tracker.set(.maintenance, at: now) { lines.append(transition.description) }
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
  func `a server is lost when it is down and fall checks in a row had no answer`(checks: String, silent: String) {
    var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .zero)
    var seen = ""
    for check in checks {
      switch check {
      case "4": _ = tracker.record(.failed(.status(404)), began: now, at: now)
      case "c": _ = tracker.record(.failed(.certificate), began: now, at: now)
      default: _ = tracker.record(result(check), began: now, at: now)
      }
      seen.append(tracker.presence == .lost ? "S" : ".")
    }
    #expect(seen == silent)
  }

  // Fall 2, loss time 5 s. A check each second: `t` no answer, `r` refused, `4` is 404. `s` silent, `L` lost.
  @Test(arguments: [
    ("+tt", "..s"), ("+tttttt", "..sssLL"), ("+tr", "..L"), ("+tt4", "..s."), ("+tt+", "..s."), ("+rt", "..s"),
    ("+44tttttt", "....sssLL"), ("t", "."), ("tt", ".s"), ("+tt+tt", "..s..s"),
  ])
  func `a silent server is lost after the loss time, one that refuses connections at once`(
    checks: String, expected: String
  ) {
    var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .seconds(5))
    var time = now
    var seen = ""
    for check in checks {
      let result: CheckResult =
        switch check {
        case "t": .failed(.timeout(stage: .connection))
        case "r": .failed(.refused)
        case "4": .failed(.status(404))
        default: .passed
        }
      _ = tracker.record(result, began: time, at: time + .seconds(1))
      time = time + .seconds(1)
      seen.append(tracker.presence == .lost ? "L" : tracker.presence == .silent ? "s" : ".")
    }
    #expect(seen == expected)
  }

  @Test func `a check that began before a later answer does not count against it`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.record(.passed, began: now + .seconds(1), at: now + .seconds(1))
    #expect(tracker.record(.disabled, began: now, at: now + .seconds(4)) == nil)
    _ = tracker.record(.failed(.status(500)), began: now + .seconds(2), at: now + .seconds(5))
    #expect(tracker.record(.failed(.timeout(stage: .answer)), began: now + .seconds(1), at: now + .seconds(6)) == nil)
    #expect(tracker.presence == .present)
  }

  @Test func `a failure counts only if no later check has passed`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.record(.passed, began: now + .seconds(2), at: now + .seconds(3))
    let failure = CheckResult.failed(.timeout(stage: .answer))
    #expect(tracker.record(failure, began: now, at: now + .seconds(5)) == nil)
    #expect(tracker.state == .up && tracker.urgency == .calm)
    #expect(tracker.record(failure, began: now + .seconds(2), at: now + .seconds(7))?.to == .down)
  }

  @Test func `a server that has taken no client yet is still starting when it is down`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.record(.failed(.refused), began: now, at: now)
    #expect(tracker.urgency == .starting)
    tracker.rise = 2
    _ = tracker.record(.passed, began: now, at: now)
    _ = tracker.record(.failed(.refused), began: now, at: now)
    #expect(tracker.urgency == .starting, "one check that was passed does not make it up")
    tracker.rise = 1
    _ = tracker.record(.passed, began: now, at: now)
    #expect(tracker.urgency == .calm)
    _ = tracker.record(.failed(.refused), began: now, at: now)
    #expect(tracker.urgency == .down)
  }

  @Test(arguments: ["?", "+?r", "+?r?r", "?+r?r?r?+?+", "+?5?+?+", "rr?rr"])
  func `a check that could not be made does not count`(checks: String) {
    var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .zero)
    var without = tracker
    for check in checks {
      guard check != "?" else {
        #expect(tracker.record(.inconclusive, began: now, at: now) == nil)
        continue
      }
      #expect(tracker.record(result(check), began: now, at: now) == without.record(result(check), began: now, at: now))
      #expect(tracker.state == without.state && tracker.urgency == without.urgency)
      #expect(tracker.isKnown == without.isKnown && tracker.presence == without.presence)
    }
  }

  @Test func `a failure worse than a wrong answer of a server that is down is logged once`() {
    var tracker = HealthTracker(rise: 1, fall: 2, lossTime: .zero)
    let results: [CheckResult] = [
      .passed, .failed(.status(404)), .failed(.status(404)), .failed(.refused), .failed(.refused), .failed(.refused),
    ]
    #expect(
      results.compactMap { tracker.record($0, began: now, at: now)?.description } == [
        "up: health check passed",
        "down, was up: 2 health checks in a row failed, the last one: status 404",
        "still down: 2 health checks in a row failed, the last one: connection refused",
      ])
  }

  @Test(
    arguments: [
      ("+", .drain, .drain), ("-", .drain, .down), ("5", .drain, .drain), ("+", .maintenance, .maintenance),
      ("-", .maintenance, .maintenance),
    ] as [(String, AdminState.Mode, ServerState)])
  func `a command lowers the state of the checks, and revoking it restores that`(
    check: String, command: AdminState.Mode, state: ServerState
  ) {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    for letter in check { _ = tracker.record(result(letter), began: now, at: now) }
    let before = tracker.state
    _ = tracker.set(command, at: now)
    #expect(tracker.state == state)
    _ = tracker.set(nil, at: now)
    #expect(tracker.state == before)
  }

  @Test func `checks continue under a command, and a transition is logged only if the command does not hide it`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.set(.maintenance, at: now)
    #expect(tracker.record(.passed, began: now, at: now) == nil)
    #expect(tracker.record(.failed(.refused), began: now, at: now) == nil)
    let transition = tracker.set(nil, at: now)
    #expect(transition == Transition(from: .maintenance, to: .down, reason: .checksFailed(1, last: .refused)))
  }

  @Test func `maintenance is known before the first check, and the state that it hides is not`() {
    var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .zero)
    #expect(tracker.set(.maintenance, at: now) == Transition(from: nil, to: .maintenance, reason: .administrative))
    #expect(tracker.isKnown)
    #expect(tracker.set(nil, at: now) == Transition(from: .maintenance, to: .down, reason: .unchecked))
    #expect(!tracker.isKnown)
    #expect(tracker.record(.passed, began: now, at: now) == Transition(from: nil, to: .up, reason: .checksPassed(1)))
  }

  @Test func `with drain commanded the first check decides between drain and down`() {
    for (result, state, reason) in [
      (.passed, .drain, .administrative), (.disabled, .drain, .disabled),
      (.failed(.refused), .down, .checksFailed(1, last: .refused)),
    ] as [(CheckResult, ServerState, Transition.Reason)] {
      var tracker = HealthTracker(rise: 2, fall: 2, lossTime: .zero)
      #expect(tracker.set(.drain, at: now) == nil)
      #expect(tracker.record(result, began: now, at: now) == Transition(from: nil, to: state, reason: reason))
    }
  }

  @Test func `a change of the reason for drain is logged`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.record(.disabled, began: now, at: now)
    #expect(tracker.set(.drain, at: now) == nil)
    let drained = tracker.record(.passed, began: now, at: now)
    #expect(drained?.description == "still drain: administratively")
    let disabled = tracker.record(.disabled, began: now, at: now)
    #expect(disabled?.description == "still drain: health check answered 503, the server is administratively disabled")
    #expect(tracker.set(nil, at: now) == nil)
    #expect(tracker.record(.passed, began: now, at: now) == Transition(from: .drain, to: .up, reason: .checksPassed(1)))
  }

  @Test func `a slow start begins when a check or a command brings a server back, not with its first state`() {
    var tracker = HealthTracker(rise: 2, fall: 1, lossTime: .zero)
    func check(_ checks: String, _ second: UInt64) {
      for letter in checks { _ = tracker.record(result(letter), began: now, at: now + .seconds(second)) }
    }
    check("-++", 1)
    #expect(tracker.state == .up && tracker.slowStart.began == nil)
    check("-+", 2)
    #expect(tracker.slowStart.began == nil)
    check("+", 3)
    #expect(tracker.slowStart.began == now + .seconds(3))
    _ = tracker.set(.maintenance, at: now + .seconds(4))
    check("-++", 5)
    #expect(tracker.slowStart.began == now + .seconds(3))
    _ = tracker.set(nil, at: now + .seconds(6))
    #expect(tracker.slowStart.began == now + .seconds(6))
  }

  @Test func `a repeated command has no effect, and a revoked one restores the state of the checks`() {
    var tracker = HealthTracker(rise: 1, fall: 1, lossTime: .zero)
    _ = tracker.record(.passed, began: now, at: now)
    #expect(tracker.set(.drain, at: now) == Transition(from: .up, to: .drain, reason: .administrative))
    #expect(tracker.set(.drain, at: now) == nil)
    #expect(tracker.set(.maintenance, at: now) == Transition(from: .drain, to: .maintenance, reason: .administrative))
    #expect(tracker.set(nil, at: now) == Transition(from: .maintenance, to: .up, reason: .checksPassed(1)))
  }
}
