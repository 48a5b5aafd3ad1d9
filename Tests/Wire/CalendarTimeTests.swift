import Testing
import Wire

@Suite struct `A time on the wall` {
  private func rendered(day: Int) -> String {
    let time = CalendarTime(
      year: 2026, month: 11, day: day, hour: 1, minute: 2, second: 3, millisecond: 4, offsetMinutes: 60)
    var sink = ByteWriter(limit: 64)
    time.renderSyslog(into: &sink)
    return String(decoding: sink.bytes, as: UTF8.self)
  }

  @Test(arguments: [(2, "Nov  2 01:02:03"), (22, "Nov 22 01:02:03")])
  func `syslog has a day of one digit behind two spaces (RFC 3164 §4.1.2)`(day: Int, text: String) {
    #expect(rendered(day: day) == text)
  }
}
