import CLinux
import Wire

/// The two clocks. Only edges read them.
public enum Clock {
  /// Time that never goes back, for every deadline.
  public static func monotonic() -> Instant { Instant(nanoseconds: cl_clock_nanoseconds(CLOCK_MONOTONIC)) }

  /// Nanoseconds since the Unix epoch, UTC, for people and logs only.
  public static func wall() -> UInt64 { cl_clock_nanoseconds(CLOCK_REALTIME) }

  /// A wall time (nanoseconds since the Unix epoch) in this machine's time zone.
  public static func local(_ nanoseconds: UInt64) -> CalendarTime {
    let time = cl_local_time(nanoseconds / 1_000_000_000)
    return CalendarTime(
      year: Int(time.year), month: Int(time.month), day: Int(time.day), hour: Int(time.hour),
      minute: Int(time.minute), second: Int(time.second), millisecond: Int(nanoseconds / 1_000_000 % 1000),
      offsetMinutes: Int(time.offset_minutes))
  }

  public static func sleep(_ interval: Interval) {
    _ = usleep(UInt32(clamping: interval.nanoseconds / 1000))
  }
}
