import Balancing
import Domain
import Simulation
import Testing
import Wire

/// Schedule and tracker together, as the worker runs them, with the defaults, in virtual time.
@Suite struct HealthSimulationTests {
  /// The behaviour of the server for a check.
  enum Server {
    case answers(after: Interval)
    case refuses
    /// No packet is answered: the connect times out after 1.2 s.
    case vanished
    /// The kernel accepts; the process does not answer.
    case hangs
  }

  struct Outcome {
    var changes: [(state: ServerState, at: Instant)] = []
    var silent: Instant?
    var lost: Instant?
    var checks = 0
    var mostAtOnce = 0

    func first(_ state: ServerState, after earliest: Instant) -> Instant? {
      changes.first { $0.state == state && $0.at >= earliest }?.at
    }
  }

  static let timeout = Interval.seconds(5)
  let start = Instant(nanoseconds: 1_000_000_000_000)

  /// Runs checks of `server`, which gives its behaviour when a check begins; `suspicions` are the times at which live
  /// traffic meets a failure or a slow answer there.
  private func run(
    seed: UInt64, for time: Interval, suspicions: [Instant] = [], ofSlowness: Bool = false,
    _ server: (Instant) -> Server
  ) -> Outcome {
    var random = SeededGenerator(seed: seed)
    var schedule = CheckSchedule(
      pace: .init(interval: .seconds(5), jitter: .milliseconds(500), overlap: 3), startingAt: start)
    var tracker = HealthTracker(rise: 2, fall: 3, lossTime: .seconds(15))
    var running: [(began: Instant, ends: Instant, result: CheckResult)] = []
    var suspicions = suspicions[...]
    var outcome = Outcome()
    while true {
      let next = running.indices.min { running[$0].ends < running[$1].ends }
      let ends = next.map { running[$0].ends } ?? .distantFuture
      let now = min(ends, schedule.due, suspicions.first ?? .distantFuture)
      if now >= start + time { return outcome }
      if let suspicion = suspicions.first, suspicion == now {
        suspicions.removeFirst()
        if ofSlowness { schedule.answerIsSlow(at: now) } else { schedule.suspect(at: now) }
      } else if let next, ends == now {
        let check = running.remove(at: next)
        let transition = tracker.record(check.result, began: check.began, at: now)
        schedule.ended(check.began, at: now, urgency: tracker.urgency, random: random.next())
        for check in running where check.began < tracker.answeredSince { schedule.gaveUp() }
        running.removeAll { $0.began < tracker.answeredSince }
        if let transition { outcome.changes.append((transition.to, now)) }
        if tracker.presence >= .silent, outcome.silent == nil { outcome.silent = now }
        if tracker.presence == .lost, outcome.lost == nil { outcome.lost = now }
      } else {
        schedule.began(at: now)
        outcome.checks += 1
        switch server(now) {
        case .answers(let latency): running.append((now, now + latency, .passed))
        case .refuses: running.append((now, now + .microseconds(200), .failed(.refused)))
        case .vanished: running.append((now, now + .milliseconds(1_200), .failed(.timeout(stage: .connection))))
        case .hangs: running.append((now, now + Self.timeout, .failed(.timeout(stage: .handshake))))
        }
        outcome.mostAtOnce = max(outcome.mostAtOnce, running.count)
      }
    }
  }

  private func died(_ seed: UInt64) -> Instant {
    var random = SeededGenerator(seed: seed)
    return start + .milliseconds(.random(in: 1_000..<30_000, using: &random))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `traffic detects a server that refuses connections within a second`(seed: UInt64) throws {
    let died = died(seed)
    let outcome = run(seed: seed, for: .seconds(60), suspicions: [died]) {
      $0 < died ? .answers(after: .milliseconds(3)) : .refuses
    }
    let down = try #require(outcome.first(.down, after: died))
    #expect(down - died <= .milliseconds(1_000) && outcome.lost == down, "seed \(seed)")
  }

  /// Live connections raise a suspicion after a second without an answer.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `traffic detects a vanished server within three seconds, and it is lost after three time-outs`(seed: UInt64)
    throws
  {
    let died = died(seed)
    let outcome = run(seed: seed, for: .seconds(60), suspicions: [died + .seconds(1)]) {
      $0 < died ? .answers(after: .milliseconds(3)) : .vanished
    }
    let down = try #require(outcome.first(.down, after: died))
    #expect(down - died <= .seconds(3) && outcome.silent == down, "seed \(seed)")
    let lost = try #require(outcome.lost)
    #expect(lost - died >= .seconds(12) && lost - died <= .seconds(18), "seed \(seed)")
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a server that hangs is down two seconds after the check's time-out`(seed: UInt64) throws {
    let died = died(seed)
    var first: Instant?
    let outcome = run(seed: seed, for: .seconds(60)) {
      if $0 >= died, first == nil { first = $0 }
      return $0 < died ? .answers(after: .milliseconds(3)) : .hangs
    }
    let began = try #require(first)
    let down = try #require(outcome.first(.down, after: died))
    #expect(down - began <= .seconds(7) && outcome.silent == down, "seed \(seed)")
    #expect(outcome.mostAtOnce == 3)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a server that is frozen for ten seconds loses none of its connections`(seed: UInt64) {
    let frozen = died(seed)
    let thawed = frozen + .seconds(10)
    let outcome = run(seed: seed, for: .seconds(60), suspicions: [frozen + .seconds(1)]) {
      $0 >= frozen && $0 < thawed ? .vanished : .answers(after: .milliseconds(3))
    }
    #expect(outcome.lost == nil, "seed \(seed)")
    #expect(outcome.changes.last?.state == .up)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a busy server that takes four seconds to answer stays up, with a bounded number of checks`(seed: UInt64) {
    let busy = died(seed)
    let suspicions = (0..<100 as Range<UInt64>).map { busy + .milliseconds($0 * 250) }
    let outcome = run(seed: seed, for: .seconds(90), suspicions: suspicions, ofSlowness: true) {
      .answers(after: $0 < busy ? .milliseconds(3) : .seconds(4))
    }
    #expect(outcome.changes.map(\.state) == [.up], "seed \(seed)")
    #expect(outcome.mostAtOnce <= 3)
  }

  @Test func `a server that fails its first check only is up two checks later`() throws {
    let outcome = run(seed: 1, for: .seconds(20)) { $0 == start ? .refuses : .answers(after: .milliseconds(3)) }
    #expect(outcome.changes.map(\.state) == [.down, .up])
    let up = try #require(outcome.first(.up, after: start))
    #expect(up - start <= .milliseconds(1_500))
  }

  @Test func `a server down from the start is checked every second, one that died later at the interval`() {
    let never = run(seed: 1, for: .seconds(100)) { _ in .refuses }
    #expect((99...101).contains(never.checks))
    let died = start + .milliseconds(1)
    let dead = run(seed: 1, for: .seconds(100)) { $0 < died ? .answers(after: .milliseconds(3)) : .refuses }
    #expect((20...24).contains(dead.checks))
  }
}
