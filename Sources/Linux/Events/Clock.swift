import CLinux
import Wire

/// The system's clocks. Only edges read them.
public enum Clock {
  /// Monotonic time, for deadlines.
  public static func monotonic() -> Instant { Instant(nanoseconds: cl_clock_nanoseconds(CLOCK_MONOTONIC)) }

  /// Wall-clock time, for people, logs and certificates.
  public static func wall() -> WallTime { WallTime(nanoseconds: cl_clock_nanoseconds(CLOCK_REALTIME)) }

  /// A time in this machine's time zone.
  public static func local(_ time: WallTime) -> WallTime.Calendar {
    time.calendar(offsetMinutes: Int(cl_utc_offset(time.seconds)))
  }
}
