import Simulation
import Testing
import Wire

private let moments: [(UInt64, String)] = [
  (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
  (1_795_347_121_123, "2026-11-22T11:32:01.123Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
  (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
]

@Suite struct `A time on the wall clock` {
  @Test(arguments: moments)
  func `a time is encoded and decoded as in RFC 3339`(milliseconds: UInt64, text: String) {
    #expect(WallTime(milliseconds: milliseconds).description == text)
    #expect(WallTime(text) == WallTime(milliseconds: milliseconds))
  }

  @Test func `any time is decoded as it was encoded`() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<10_000 {
      let time = WallTime(milliseconds: random.next() % (WallTime.last.milliseconds + 1))
      #expect(WallTime(time.description) == time)
    }
  }

  @Test(
    arguments: [
      "", "2026-11-22", "2026-11-22T11:32:01Z", "2026-11-22 11:32:01.123Z", "2026-11-22T11:32:01.123+",
      "2026-13-22T11:32:01.123Z", "2026-02-29T11:32:01.123Z", "2026-11-22T24:00:00.000Z", "2026-11-22T11:60:00.000Z",
      "1969-12-31T23:59:59.999Z", "2026-00-22T11:32:01.123Z", "2026-11-00T11:32:01.123Z", "٢026-11-22T11:32:01.123Z",
    ])
  func `other text is refused`(text: String) { #expect(WallTime(text) == nil) }

  @Test func `a time out of range is the nearest in it`() {
    #expect(WallTime(milliseconds: .max) == .last)
    #expect(WallTime(seconds: .max) == .last)
    #expect(WallTime(seconds: .min) == WallTime(milliseconds: 0))
    #expect(WallTime(nanoseconds: .max).nanoseconds == .max)
    #expect(WallTime.last.nanoseconds == .max)
  }

  @Test func `the seconds between two times are whole, and never negative`() {
    let early = WallTime(milliseconds: 1500)
    let late = WallTime(milliseconds: 4499)
    #expect(late.seconds(since: early) == 2)
    #expect(early.seconds(since: late) == 0)
  }
}
