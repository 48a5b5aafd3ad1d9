import Testing
import Wire

@Suite struct InstantTests {
  @Test func `adding past the end of time saturates`() {
    #expect(Instant(nanoseconds: .max) + .seconds(1) == .distantFuture)
  }

  @Test func `an interval is never negative`() {
    #expect(Instant(nanoseconds: 5) - Instant(nanoseconds: 9) == .zero)
  }

  /// Each of them is the number that a count of the unit may not reach without it.
  @Test(
    arguments: [
      (Interval.seconds, 1_000_000_000), (Interval.milliseconds, 1_000_000), (Interval.microseconds, 1000),
      (Interval.minutes, 60_000_000_000), (Interval.hours, 3_600_000_000_000),
    ] as [(@Sendable (UInt64) -> Interval, UInt64)])
  func `an interval of any number saturates`(_ make: @Sendable (UInt64) -> Interval, _ unit: UInt64) {
    let most = UInt64.max / unit
    #expect(make(0) == .zero && make(1).nanoseconds == unit)
    #expect(make(most).nanoseconds == most * unit)
    #expect(make(most + 1) == Interval(nanoseconds: .max))
    #expect(make(.max) == Interval(nanoseconds: .max))
    #expect(Instant(nanoseconds: 1) + make(.max) == .distantFuture)
  }
}
