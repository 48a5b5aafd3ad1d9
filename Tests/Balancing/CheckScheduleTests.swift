import Balancing
import Simulation
import Testing
import Wire

@Suite struct CheckScheduleTests {
  static let pace = CheckSchedule.Pace(interval: .seconds(5), timeout: .seconds(5), jitter: .milliseconds(500))
  let start = Instant(nanoseconds: 1_000_000_000_000)

  @Test func `the first check is due at once, and given up at its time-out`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    #expect(schedule.deadline == start && !schedule.isRunning)
    schedule.began(at: start)
    #expect(schedule.isRunning && schedule.deadline == start + .seconds(5))
  }

  @Test(arguments: [(0, 4_500), (1 << 63, 5_000), (.max, 5_499)] as [(UInt64, UInt64)])
  func `intervals count from beginning to beginning, shorter or longer by up to the jitter`(
    random: UInt64, milliseconds: UInt64
  ) {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(at: start + .milliseconds(30), isInDoubt: false, random: random)
    #expect((schedule.deadline - start).milliseconds == milliseconds)
  }

  @Test func `a check that outlasts the interval delays the next one`() {
    let pace = CheckSchedule.Pace(interval: .seconds(2), timeout: .seconds(6), jitter: .zero)
    var schedule = CheckSchedule(pace: pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(at: start + .seconds(6), isInDoubt: true, random: 0)
    #expect(schedule.deadline == start + .seconds(6))
  }

  @Test func `a live failure brings the next check forward, but not closer than the fast interval`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.liveFailure(at: start)
    #expect(schedule.deadline == start)
    schedule.began(at: start)
    schedule.ended(at: start, isInDoubt: false, random: 1 << 63)
    schedule.liveFailure(at: start + .milliseconds(100))
    #expect(schedule.deadline == start + .milliseconds(400))
    schedule.liveFailure(at: start + .seconds(3))
    #expect(schedule.deadline == start + .milliseconds(400), "an earlier check is not put off")
  }

  @Test func `a live failure during a check brings another one soon`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.began(at: start)
    schedule.liveFailure(at: start + .milliseconds(10))
    schedule.ended(at: start + .milliseconds(20), isInDoubt: false, random: 0)
    #expect(schedule.deadline == start + .milliseconds(400))
  }

  @Test func `a pace never checks faster in doubt than out of it slowly`() {
    let pace = CheckSchedule.Pace(interval: .milliseconds(100), timeout: .seconds(1), jitter: .seconds(1))
    #expect(pace.fastInterval == .milliseconds(100) && pace.jitter == .milliseconds(100))
  }

  /// Runs checks of `latency` in virtual time with a live failure every millisecond from `failsAt` on.
  func run(
    _ seed: UInt64, dies: Instant, until end: Instant
  ) -> (downAt: Instant?, checks: Int) {
    var random = SeededGenerator(seed: seed)
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    var tracker = HealthTracker(rise: 2, fall: 3)
    var now = start
    var checks = 0
    while now < end {
      if now >= dies { schedule.liveFailure(at: now) }
      if schedule.deadline <= now {
        schedule.began(at: now)
        checks += 1
        now = now + .milliseconds(2)
        let transition = tracker.record(now > dies && dies < end ? .failed(.refused) : .passed)
        schedule.ended(at: now, isInDoubt: tracker.isInDoubt, random: random.next())
        if transition?.to == .down { return (now, checks) }
      }
      now = now + .milliseconds(1)
    }
    return (nil, checks)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `traffic finds a dead server in about a second`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let dies = start + .milliseconds(.random(in: 1_000..<30_000, using: &random))
    let (downAt, _) = run(seed, dies: dies, until: dies + .seconds(20))
    #expect(try #require(downAt) - dies < .milliseconds(1_300), "seed \(seed)")
  }

  @Test func `live failures without end do not bring more checks than the fast interval allows`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    var tracker = HealthTracker(rise: 2, fall: 3)
    var checks = 0
    for millisecond in 0..<10_000 as Range<UInt64> {
      let now = start + .milliseconds(millisecond)
      schedule.liveFailure(at: now)
      guard schedule.deadline <= now else { continue }
      schedule.began(at: now)
      checks += 1
      _ = tracker.record(.passed)
      schedule.ended(at: now, isInDoubt: tracker.isInDoubt, random: 0)
    }
    #expect(checks == 25)
  }
}
