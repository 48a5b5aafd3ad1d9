import Testing
import Wire

@Suite struct InstantTests {
  @Test func `adding past the end of time saturates`() {
    #expect(Instant(nanoseconds: .max) + .seconds(1) == .distantFuture)
  }

  @Test func `an interval is never negative`() {
    #expect(Instant(nanoseconds: 5) - Instant(nanoseconds: 9) == .zero)
  }
}
