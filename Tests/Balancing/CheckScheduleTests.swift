import Balancing
import Testing
import Wire

@Suite struct CheckScheduleTests {
  static let pace = CheckSchedule.Pace(interval: .seconds(5), jitter: .milliseconds(500), overlap: 3)
  let start = Instant(nanoseconds: 1_000_000_000_000)

  /// A schedule after one check that took no time and was passed.
  private func calm(_ pace: CheckSchedule.Pace = Self.pace) -> CheckSchedule {
    var schedule = CheckSchedule(pace: pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(start, at: start, urgency: .calm, random: 1 << 63)
    return schedule
  }

  @Test func `the first check is due at once`() {
    #expect(CheckSchedule(pace: Self.pace, startingAt: start).due == start)
  }

  @Test(arguments: [(0, 4_500), (1 << 63, 5_000), (.max, 5_499)] as [(UInt64, UInt64)])
  func `intervals count from start to start, with the jitter added or subtracted`(
    random: UInt64, milliseconds: UInt64
  ) {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(start, at: start + .milliseconds(30), urgency: .calm, random: random)
    #expect((schedule.due - start).milliseconds == milliseconds)
  }

  @Test(
    arguments: [
      (.calm, 500), (.doubt, 250), (.down, nil), (.starting, nil),
    ] as [(CheckSchedule.Urgency, UInt64?)])
  func `a check without a result is followed by the next if that may change the state`(
    urgency: CheckSchedule.Urgency, milliseconds: UInt64?
  ) {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(start, at: start, urgency: urgency, random: 0)
    let began = schedule.due
    schedule.began(at: began)
    #expect(schedule.due == milliseconds.map { began + .milliseconds($0) } ?? .distantFuture)
  }

  @Test func `checks that hang are followed at the fast interval, up to the limit of concurrent checks`() {
    var schedule = calm()
    var begun: [UInt64] = []
    while schedule.due < .distantFuture {
      begun.append((schedule.due - start).milliseconds)
      schedule.began(at: schedule.due)
    }
    #expect(begun == [5_000, 5_500, 5_750])
    schedule.ended(start + .seconds(5), at: start + .seconds(10), urgency: .doubt, random: 0)
    #expect(schedule.due == start + .seconds(10))
  }

  @Test func `checks that were given up leave their places to others`() {
    var schedule = calm()
    for _ in 0..<3 { schedule.began(at: schedule.due) }
    // The latest one is answered: the server runs again.
    schedule.ended(start + .milliseconds(5_750), at: start + .milliseconds(5_800), urgency: .calm, random: 1 << 63)
    schedule.gaveUp()
    schedule.gaveUp()
    schedule.suspect(at: start + .seconds(6))
    var begun: [UInt64] = []
    while schedule.due < .distantFuture {
      begun.append((schedule.due - start).milliseconds)
      schedule.began(at: schedule.due)
    }
    #expect(begun == [6_000, 6_250, 6_500])
  }

  @Test func `a server that has not taken clients yet is checked every second`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.began(at: start)
    schedule.ended(start, at: start + .milliseconds(3), urgency: .starting, random: 0)
    #expect(schedule.due == start + .seconds(1))
  }

  @Test func `a suspicion brings the next check forward, up to the fast interval`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    schedule.suspect(at: start)
    #expect(schedule.due == start)
    schedule = calm()
    schedule.suspect(at: start + .milliseconds(100))
    #expect(schedule.due == start + .milliseconds(250))
    schedule.suspect(at: start + .seconds(3))
    #expect(schedule.due == start + .milliseconds(250), "an earlier check is not put off")
  }

  @Test func `a check that began before the suspicion does not end it`() {
    var schedule = calm()
    let began = start + .seconds(5)
    schedule.began(at: began)
    schedule.suspect(at: began + .milliseconds(10))
    schedule.ended(began, at: began + .milliseconds(20), urgency: .calm, random: 0)
    #expect(schedule.due == began + .milliseconds(250))
    schedule.began(at: schedule.due)
    schedule.ended(began + .milliseconds(250), at: began + .milliseconds(255), urgency: .calm, random: 1 << 63)
    #expect(schedule.due == began + .milliseconds(5_250))
  }

  @Test func `a suspected server is checked at the fast interval without waiting for results`() {
    var schedule = calm()
    schedule.suspect(at: start + .seconds(1))
    var begun: [UInt64] = []
    while schedule.due < .distantFuture {
      begun.append((schedule.due - start).milliseconds)
      schedule.began(at: schedule.due)
    }
    #expect(begun == [1_000, 1_250, 1_500])
  }

  @Test func `slow answers bring at most one check a second, and no suspicion`() {
    var schedule = calm()
    schedule.answerIsSlow(at: start + .milliseconds(100))
    #expect(schedule.due == start + .seconds(1), "it is not forgotten")
    schedule.answerIsSlow(at: start + .milliseconds(900))
    #expect(schedule.due == start + .seconds(1))
    schedule.began(at: schedule.due)
    schedule.answerIsSlow(at: start + .milliseconds(1_100))
    schedule.ended(start + .seconds(1), at: start + .milliseconds(1_103), urgency: .calm, random: 1 << 63)
    #expect(schedule.due == start + .seconds(6))
  }

  @Test func `the intervals of a pace are never longer for suspected servers than for others`() {
    let pace = CheckSchedule.Pace(interval: .milliseconds(100), jitter: .seconds(1), overlap: 1)
    #expect(pace.fastInterval == .milliseconds(100) && pace.startInterval == .milliseconds(100))
    #expect(pace.jitter == .milliseconds(100))
  }

  @Test func `repeated suspicions do not exceed the fast interval`() {
    var schedule = CheckSchedule(pace: Self.pace, startingAt: start)
    var checks = 0
    for millisecond in 0..<10_000 as Range<UInt64> {
      let now = start + .milliseconds(millisecond)
      schedule.suspect(at: now)
      guard schedule.due <= now else { continue }
      schedule.began(at: now)
      checks += 1
      schedule.ended(now, at: now, urgency: .calm, random: 0)
    }
    #expect(checks == 40)
  }
}
